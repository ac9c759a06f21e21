-- A merchant's own money: the deposit, withdrawals, and what is owed to the platform.
SELECT 1;
