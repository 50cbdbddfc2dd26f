-- What a site's operator wants of plans (null: nothing in particular), a cap on export, and what drivers want as soon as possible.

ALTER TABLE sites ADD COLUMN export_limit_kw non_negative, ADD COLUMN policy jsonb;
ALTER TABLE sessions ADD COLUMN need_minimum_now_kwh non_negative NOT NULL DEFAULT 0;
