-- Refunds that a channel cannot complete: who looks after them, until when, and the other ways they may take.
SELECT 1;
