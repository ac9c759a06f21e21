-- Who made the keys of a product and can be asked about them: the code of an issuer this installation knows. NULL: nobody to ask.
ALTER TABLE catalog_product ADD COLUMN issuer text NULL CONSTRAINT product_issuer_is_a_code CHECK (issuer ~ '^[a-z][a-z0-9_]{0,31}$');
