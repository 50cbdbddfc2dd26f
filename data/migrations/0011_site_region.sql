-- Whose public holidays a site keeps: an ISO 3166 code, DE or DE-BY; null: none.

ALTER TABLE sites ADD COLUMN region text CHECK (region <> '');
