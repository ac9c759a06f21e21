-- Real channels: where a payment's cashier is, and payments that pay for something else than an order.
SELECT 1;
