-- Chargebacks: a payer's bank takes money back, whatever we think.
SELECT 1;
