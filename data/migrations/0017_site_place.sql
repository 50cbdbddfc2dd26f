-- Where a site is, for the weather: latitude and longitude; null: where its array is, or nowhere.

ALTER TABLE sites ADD COLUMN place jsonb;
