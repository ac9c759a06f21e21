-- The bills of channels, line by line, and what in them differs from our books.
SELECT 1;
