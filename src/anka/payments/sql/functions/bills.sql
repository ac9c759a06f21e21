-- Reading a channel's bill and comparing it with our books. Days are days in China (UTC+8), as all Chinese channels count.
CREATE OR REPLACE FUNCTION day_in_china(in_at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS
$$ SELECT (in_at AT TIME ZONE 'UTC' + interval '8 hours')::date $$;

-- The bill with these bytes, made known where it is not. Two that read it at once get the same.
CREATE OR REPLACE FUNCTION begin_bill(in_channel text, in_day date, in_digest bytea, in_source text, in_by text, in_lines integer,
    in_at timestamptz) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE found bigint;
BEGIN
    INSERT INTO payments_bill (channel, day, digest, source, read_by, began_at, line_count)
        VALUES (in_channel, in_day, in_digest, in_source, in_by, in_at, in_lines) ON CONFLICT ON CONSTRAINT bill_once DO NOTHING;
    SELECT id INTO STRICT found FROM payments_bill WHERE channel = in_channel AND day = in_day AND digest = in_digest;
    RETURN found;
END
$$;

-- All lines of a bill are here: from now on it is the bill of its day, and what was read of that day before counts no more.
CREATE OR REPLACE FUNCTION finish_bill(in_bill bigint, in_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
    bill payments_bill;
BEGIN
    SELECT * INTO STRICT bill FROM payments_bill WHERE id = in_bill FOR UPDATE;
    IF (SELECT count(*) FROM payments_bill_line WHERE bill_id = in_bill) <> bill.line_count THEN
        RETURN false;
    END IF;
    UPDATE payments_bill SET superseded_at = in_at
        WHERE channel = bill.channel AND day = bill.day AND id <> in_bill AND read_at IS NOT NULL AND superseded_at IS NULL;
    UPDATE payments_bill SET read_at = coalesce(read_at, in_at), superseded_at = NULL,
            compared_to = CASE WHEN superseded_at IS NULL THEN compared_to ELSE 0 END,
            compared_at = CASE WHEN superseded_at IS NULL THEN compared_at END,
            compared_in = CASE WHEN superseded_at IS NULL THEN compared_in END
        WHERE id = in_bill;
    RETURN true;
END
$$;

-- What our books say of these lines of a bill: `matched`, or the kind of difference. Nothing is written.
CREATE OR REPLACE FUNCTION judge_bill_lines(in_bill bigint, in_lines integer[])
RETURNS TABLE (line integer, verdict text, shop_id bigint, ours_minor bigint, reference text, fee_posted bigint) LANGUAGE sql STABLE AS
$$
    WITH bill AS MATERIALIZED (SELECT * FROM payments_bill WHERE id = in_bill),
    said AS MATERIALIZED (
        SELECT told.*, bill.channel, bill.day, coalesce(nullif(told.channel_number, ''), told.number) AS own
        FROM payments_bill_line AS told, bill WHERE told.bill_id = in_bill AND told.line = ANY (in_lines)),
    -- The shop whose books a line belongs to, and the key of the journal it has to agree with.
    placed AS (
        SELECT said.*, taken.shop_id, format('pay:%s:%s', said.channel, taken.transaction_number) AS key, 'debit' AS side,
            taken.transaction_number IS NOT NULL AS known, NULL::text AS attempt_status,
            taken.transaction_number AS reference
        FROM said LEFT JOIN LATERAL (
            SELECT found.shop_id, found.transaction_number FROM payments_transaction AS found
                WHERE said.channel_number <> '' AND found.channel = said.channel AND found.transaction_number = said.channel_number
            UNION ALL
            SELECT payment.shop_id, payment.transaction_number FROM payments_payment AS payment
                WHERE said.channel_number = '' AND payment.shop_id = shop_of_number(said.number) AND payment.number = said.number
                    AND payment.channel = said.channel AND payment.status = 'paid'
            LIMIT 1) AS taken ON true
        WHERE said.kind = 'payment'
        UNION ALL
        SELECT said.*, attempt.shop_id,
            format('refund:%s:%s:%s%s', refund.number, attempt.leg, CASE said.kind WHEN 'refund' THEN 'done' ELSE 'reversed' END,
                CASE WHEN before.bounced > 0 THEN ':' || before.bounced END),
            CASE said.kind WHEN 'refund' THEN 'credit' ELSE 'debit' END, attempt.id IS NOT NULL, attempt.status,
            -- A refund and its coming back each have a fee of their own.
            CASE said.kind WHEN 'refund' THEN said.number ELSE said.number || ':reversed' END
        FROM said
            LEFT JOIN payments_attempt AS attempt ON attempt.shop_id = shop_of_number(said.number) AND attempt.number = said.number
                AND attempt.channel = said.channel
            LEFT JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
            -- A leg that came back and went out again has a round of journals for each time.
            LEFT JOIN LATERAL (SELECT count(*) AS bounced FROM payments_attempt AS earlier WHERE earlier.shop_id = attempt.shop_id
                AND earlier.refund_id = attempt.refund_id AND earlier.leg = attempt.leg AND earlier.id < attempt.id
                AND earlier.status = 'reversed') AS before ON true
        WHERE said.kind IN ('refund', 'refund_reversed')
        UNION ALL
        -- What is settled payment by payment lies in the payment's shop, what is settled in one sum in the platform's own books.
        SELECT said.*, coalesce(taken.shop_id, 0), format('settled:%s:%s', said.channel, said.own), 'debit', true, NULL, said.own
        FROM said LEFT JOIN payments_transaction AS taken ON taken.channel = said.channel AND taken.transaction_number = said.channel_number
        WHERE said.kind = 'settlement'
        UNION ALL
        -- A chargeback that is known took exactly this; what came back of it is told under the same number.
        SELECT said.*, coalesce(argued.shop_id, 0), format('dispute:%s:%s:opened', said.channel, argued.number), 'credit',
            argued.id IS NOT NULL, NULL, coalesce(argued.number, '')
        FROM said LEFT JOIN payments_dispute AS argued ON argued.channel = said.channel AND argued.channel_number = said.channel_number
            AND argued.kind = 'chargeback'
        WHERE said.kind = 'dispute'
        UNION ALL
        SELECT said.*, 0, '', 'debit', false, NULL, '' FROM said WHERE said.kind = 'other')
    SELECT placed.line,
        CASE
            WHEN placed.kind = 'dispute' AND placed.known AND posted.journals > 0 AND posted.same THEN 'matched'
            WHEN placed.kind IN ('dispute', 'other') THEN placed.kind
            WHEN twice.seen THEN 'twice'
            WHEN NOT placed.known THEN CASE placed.kind WHEN 'payment' THEN 'not_taken' ELSE 'refund_unknown' END
            WHEN placed.kind = 'settlement' AND posted.journals > 0 AND NOT posted.same THEN 'settlement_differs'
            WHEN placed.kind = 'settlement' THEN 'matched'
            WHEN placed.kind = 'refund' AND placed.attempt_status NOT IN ('succeeded', 'reversed') THEN 'refund_open'
            WHEN placed.kind = 'refund_reversed' AND posted.journals = 0 THEN 'reversal_open'
            WHEN posted.journals = 0 THEN 'not_posted'
            WHEN NOT posted.same THEN CASE placed.kind WHEN 'payment' THEN 'amount_differs' ELSE 'refund_differs' END
            WHEN charged.fee IS NOT NULL AND charged.fee <> placed.fee_minor THEN 'fee_differs'
            ELSE 'matched'
        END,
        placed.shop_id, posted.minor, placed.reference, charged.fee
    FROM placed
        CROSS JOIN LATERAL (
            SELECT count(*) AS journals, coalesce(sum(moved.minor), 0)::bigint AS minor,
                coalesce(bool_and(moved.same), true) AND coalesce(sum(moved.minor), 0) = placed.amount_minor AS same
            FROM ledger_journal AS journal CROSS JOIN LATERAL (
                SELECT coalesce(sum(transfer.amount_minor), 0)::bigint AS minor, coalesce(bool_and(account.currency = placed.currency), true) AS same
                FROM ledger_transfer AS transfer
                    JOIN ledger_account AS account ON account.shop_id = transfer.shop_id
                        AND account.id = CASE placed.side WHEN 'debit' THEN transfer.debit_id ELSE transfer.credit_id END
                        AND account.code LIKE format('psp:%s:%%', placed.channel)
                WHERE transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id) AS moved
            WHERE journal.shop_id = placed.shop_id AND journal.idempotency_key = placed.key) AS posted
        LEFT JOIN LATERAL (
            SELECT sum(CASE WHEN debit.code = 'psp_fee' THEN transfer.amount_minor ELSE -transfer.amount_minor END)::bigint AS fee
            FROM ledger_journal AS journal
                JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
                JOIN ledger_account AS debit ON debit.shop_id = transfer.shop_id AND debit.id = transfer.debit_id
            WHERE placed.kind <> 'settlement' AND journal.shop_id = placed.shop_id AND journal.idempotency_key IN (
                format('fee:%s:%s', placed.channel, placed.reference), format('fee:%s:%s:returned', placed.channel, placed.reference))
            ) AS charged ON true
        -- A channel may know a payment and its refunds by one number, so a refund is told by ours. Each question has an index of its own.
        CROSS JOIN LATERAL (
            SELECT placed.channel_number <> '' AND NOT (placed.kind LIKE 'refund%' AND placed.number <> '') AND EXISTS (
                    SELECT FROM payments_bill_line AS other JOIN payments_bill AS bill ON bill.id = other.bill_id
                    WHERE other.channel_number = placed.channel_number AND other.kind = placed.kind AND bill.channel = placed.channel
                        AND bill.superseded_at IS NULL AND bill.read_at IS NOT NULL
                        AND (bill.day, bill.id, other.line) < (placed.day, placed.bill_id, placed.line))
                OR placed.number <> '' AND placed.kind IN ('payment', 'refund', 'refund_reversed') AND EXISTS (
                    SELECT FROM payments_bill_line AS other JOIN payments_bill AS bill ON bill.id = other.bill_id
                    WHERE other.number = placed.number AND other.kind = placed.kind AND bill.channel = placed.channel
                        AND bill.superseded_at IS NULL AND bill.read_at IS NOT NULL
                        AND (bill.day, bill.id, other.line) < (placed.day, placed.bill_id, placed.line)) AS seen) AS twice
    ORDER BY placed.line;
$$;

-- Note what differs, once per thing. What a person has decided stays decided, unless the sums are others by now.
CREATE OR REPLACE FUNCTION note_differences(in_at timestamptz, in_actor text, in_found jsonb) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE
    one record;
    before payments_difference;
    made bigint;
    news integer := 0;
BEGIN
    FOR one IN SELECT * FROM jsonb_to_recordset(in_found) AS found (channel text, day date, kind text, subject text, bill_id bigint,
            line integer, number text, channel_number text, ours_minor bigint, theirs_minor bigint, currency text) ORDER BY 1, 3, 4 LOOP
        INSERT INTO payments_difference (channel, day, kind, subject, bill_id, line, number, channel_number, ours_minor, theirs_minor,
                currency, found_at)
            VALUES (one.channel, one.day, one.kind, one.subject, one.bill_id, one.line, one.number, one.channel_number, one.ours_minor,
                one.theirs_minor, one.currency, in_at)
            ON CONFLICT ON CONSTRAINT difference_once DO NOTHING RETURNING id INTO made;
        IF made IS NOT NULL THEN
            INSERT INTO payments_difference_step (difference_id, at, actor, step) VALUES (made, in_at, in_actor, 'found');
            news := news + 1;
            CONTINUE;
        END IF;
        SELECT * INTO STRICT before FROM payments_difference
            WHERE channel = one.channel AND kind = one.kind AND subject = one.subject FOR UPDATE;
        IF before.status <> 'open' AND (before.decided_by LIKE 'system:%'
                OR (before.ours_minor, before.theirs_minor) IS DISTINCT FROM (one.ours_minor, one.theirs_minor)) THEN
            UPDATE payments_difference SET status = 'open', decided_by = NULL, decided_at = NULL, note = NULL, proposed_as = NULL,
                proposed_by = NULL, proposed_note = NULL, found_at = in_at WHERE id = before.id;
            INSERT INTO payments_difference_step (difference_id, at, actor, step) VALUES (before.id, in_at, in_actor, 'found_again');
            news := news + 1;
        END IF;
        -- Who proposed something about other sums has not proposed it about these.
        UPDATE payments_difference AS found SET day = one.day, bill_id = one.bill_id, line = one.line, ours_minor = one.ours_minor,
            theirs_minor = one.theirs_minor, proposed_as = CASE WHEN same OR status <> 'open' THEN proposed_as END,
            proposed_by = CASE WHEN same OR status <> 'open' THEN proposed_by END,
            proposed_note = CASE WHEN same OR status <> 'open' THEN proposed_note END
        FROM (SELECT (before.ours_minor, before.theirs_minor) IS NOT DISTINCT FROM (one.ours_minor, one.theirs_minor) AS same) AS sums
        WHERE id = before.id;
    END LOOP;
    RETURN news;
END
$$;

-- Differences that are none any more are settled by themselves; what a person has decided or corrected is left as it is.
CREATE OR REPLACE FUNCTION settle_differences(in_ids bigint[], in_at timestamptz, in_actor text, in_note text) RETURNS integer
LANGUAGE plpgsql AS
$$
DECLARE settled integer;
BEGIN
    WITH gone AS (
        UPDATE payments_difference SET status = 'corrected', decided_by = in_actor, decided_at = in_at, note = in_note
        WHERE id = ANY (in_ids) AND status = 'open' AND corrected_minor = 0 RETURNING id)
    INSERT INTO payments_difference_step (difference_id, at, actor, step, note)
        SELECT id, in_at, in_actor, 'corrected', in_note FROM gone;
    GET DIAGNOSTICS settled = ROW_COUNT;
    RETURN settled;
END
$$;

-- What was corrected in our books and no bill that counts says any more: both sides agree but for the correction, which a person has to look at.
CREATE OR REPLACE FUNCTION reopen_overtaken(in_channel text, in_at timestamptz, in_actor text, in_note text) RETURNS integer
LANGUAGE plpgsql AS
$$
DECLARE reopened integer;
BEGIN
    WITH overtaken AS (
        UPDATE payments_difference AS found SET status = 'open', decided_by = NULL, decided_at = NULL, note = NULL, proposed_as = NULL,
            proposed_by = NULL, proposed_note = NULL, found_at = in_at,
            theirs_minor = CASE kind WHEN 'twice' THEN 0 ELSE coalesce(ours_minor, 0) END
        WHERE found.channel = in_channel AND found.corrected_minor <> 0 AND (
            EXISTS (SELECT FROM payments_bill AS bill WHERE bill.id = found.bill_id AND bill.superseded_at IS NOT NULL
                AND EXISTS (SELECT FROM payments_bill AS newer WHERE newer.channel = bill.channel AND newer.day = bill.day
                    AND newer.superseded_at IS NULL AND newer.compared_at IS NOT NULL))
            OR found.kind = 'not_on_bill' AND EXISTS (
                SELECT FROM payments_bill_line AS said JOIN payments_bill AS bill ON bill.id = said.bill_id
                WHERE said.kind = 'payment' AND bill.channel = found.channel AND bill.compared_at IS NOT NULL
                    AND bill.superseded_at IS NULL AND (said.channel_number = found.channel_number
                        OR said.channel_number = '' AND said.number = found.number)))
            AND coalesce(found.theirs_minor, -1) <> CASE kind WHEN 'twice' THEN 0 ELSE coalesce(ours_minor, 0) END
        RETURNING id)
    INSERT INTO payments_difference_step (difference_id, at, actor, step, note) SELECT id, in_at, in_actor, 'found_again', in_note FROM overtaken;
    GET DIAGNOSTICS reopened = ROW_COUNT;
    RETURN reopened;
END
$$;

-- What was taken here around a day and stands on no bill: `known` where the bills it could stand on have all been read, else it waits.
-- Around midnight a payment may be billed on either day; a bill is waited for no longer than since `in_patience`.
CREATE OR REPLACE FUNCTION missing_from_bills(in_channel text, in_day date, in_patience date, in_limit integer)
RETURNS TABLE (kind text, shop_id bigint, number text, channel_number text, amount_minor bigint, currency text, at timestamptz, known boolean)
LANGUAGE sql STABLE AS
$$
    WITH bounds AS (
        SELECT (in_day::timestamp - interval '9 hours') AT TIME ZONE 'UTC' AS begins, (in_day::timestamp + interval '17 hours') AT TIME ZONE 'UTC' AS ends),
    ours AS (
        SELECT 'not_on_bill' AS kind, taken.shop_id, coalesce(payment.number, odd.payment_number, '') AS number,
            taken.transaction_number AS channel_number, coalesce(payment.amount_minor, odd.amount_minor) AS amount_minor,
            coalesce(payment.currency, odd.currency)::text AS currency, taken.taken_at AS at
        FROM bounds JOIN payments_transaction AS taken ON taken.channel = in_channel AND taken.taken_at >= bounds.begins AND taken.taken_at < bounds.ends
            LEFT JOIN payments_payment AS payment ON payment.shop_id = taken.shop_id AND payment.id = taken.payment_id
            LEFT JOIN payments_unidentified AS odd ON odd.shop_id = taken.shop_id AND odd.id = taken.unidentified_id
        -- Two questions rather than one with OR: each can then be answered from an index, or all at once.
        WHERE NOT EXISTS (
            SELECT FROM payments_bill_line AS said JOIN payments_bill AS bill ON bill.id = said.bill_id
            WHERE said.kind = 'payment' AND bill.channel = in_channel AND bill.read_at IS NOT NULL AND bill.superseded_at IS NULL
                AND said.channel_number = taken.transaction_number)
        AND NOT EXISTS (
            SELECT FROM payments_bill_line AS said JOIN payments_bill AS bill ON bill.id = said.bill_id
            WHERE said.kind = 'payment' AND bill.channel = in_channel AND bill.read_at IS NOT NULL AND bill.superseded_at IS NULL
                AND said.channel_number = '' AND said.number = coalesce(payment.number, odd.payment_number))
        UNION ALL
        SELECT 'refund_not_on_bill', attempt.shop_id, attempt.number, coalesce(attempt.channel_number, ''), attempt.amount_minor,
            refund.currency::text, attempt.ended_at
        FROM bounds JOIN payments_attempt AS attempt ON attempt.channel = in_channel AND attempt.status = 'succeeded'
                AND attempt.ended_at >= bounds.begins AND attempt.ended_at < bounds.ends
            JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
        WHERE NOT EXISTS (
            SELECT FROM payments_bill_line AS said JOIN payments_bill AS bill ON bill.id = said.bill_id
            WHERE said.kind = 'refund' AND said.number = attempt.number AND bill.channel = in_channel AND bill.read_at IS NOT NULL
                AND bill.superseded_at IS NULL))
    SELECT ours.*, NOT EXISTS (
            SELECT FROM unnest(ARRAY[day_in_china(ours.at), day_in_china(ours.at - interval '1 hour'),
                                     day_in_china(ours.at + interval '1 hour')]) AS needed
            WHERE needed >= in_patience AND NOT EXISTS (
                SELECT FROM payments_bill AS bill WHERE bill.channel = in_channel AND bill.day = needed AND bill.read_at IS NOT NULL
                    AND bill.superseded_at IS NULL))
    FROM ours ORDER BY ours.at, ours.channel_number LIMIT in_limit;
$$;
