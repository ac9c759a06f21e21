-- I15. Every stored decision stands as it was made. The event of each judgement, which chain and checkpoints keep, holds the hash of the
-- receipt's facts and decision, and a seal over its case, place, moment, version, rule and words (judgements older than the seal: the hash
-- alone). No receipt is missing, none was added, none has moved to another case, and its columns say what the decision says. Moreover each
-- stored decision replays to the same answer from its stored facts, by the rules of its time, whose text must be that of their version.
SELECT format('case %s', number) AS place, format('receipt %s %s', sequence, wrong) AS what
FROM (SELECT number, sequence, CASE
        -- A case that has no receipt at all is I18's.
        WHEN kept.hash IS NULL THEN CASE WHEN argued.id IS NULL OR EXISTS (SELECT FROM cases_receipt AS other
            WHERE other.shop_id = argued.shop_id AND other.case_id = argued.id) THEN 'is gone, and an event tells of it' END
        WHEN told.hash IS NULL THEN 'is none: no event tells of such a judgement'
        WHEN kept.hash <> told.hash THEN 'is not the one that was judged: other facts or another decision'
        WHEN kept.hash <> kept.bytes THEN 'was changed: its facts or its decision'
        WHEN kept.seal <> told.seal THEN 'was changed: its moment, version, rule or words'
        -- Only now these bytes are known to be those that were judged, and so to be JSON.
        WHEN kept.columns <> (SELECT jsonb_build_array(said -> 'rule', said -> 'because' -> 'zh', said -> 'because' -> 'en')
            FROM (SELECT convert_from(kept.decision, 'UTF8')::jsonb AS said) AS decided)
            THEN 'was changed: its rule or its words are not those of its decision' END AS wrong
    FROM (SELECT touched.shop_id, body.said ->> 'case' AS number, item.hash, item.seal,
              row_number() OVER (PARTITION BY touched.shop_id, body.said ->> 'case' ORDER BY event.sequence, item.place) AS sequence
          FROM touched JOIN core_event AS event
                  ON event.shop_id = touched.shop_id AND event.order_id = touched.id AND event.what LIKE 'case\_%'
              CROSS JOIN LATERAL (SELECT convert_from(event.body, 'UTF8')::jsonb -> 'details' AS said) AS body
              CROSS JOIN LATERAL ROWS FROM (
                  -- The issuer's receipts for void keys go by the same name, and are an object.
                  jsonb_array_elements_text(CASE jsonb_typeof(body.said -> 'receipts') WHEN 'array' THEN body.said -> 'receipts'
                      ELSE jsonb_build_array(body.said -> 'receipt') END),
                  jsonb_array_elements_text(CASE jsonb_typeof(body.said -> 'seals') WHEN 'array' THEN body.said -> 'seals'
                      ELSE jsonb_build_array(body.said -> 'seal') END))
                  WITH ORDINALITY AS item (hash, seal, place)
          WHERE item.hash IS NOT NULL) AS told
        FULL JOIN (SELECT dispute.shop_id, dispute.number, receipt.sequence::bigint, encode(receipt.hash, 'hex') AS hash,
                encode(sha256(receipt.facts || receipt.decision), 'hex') AS bytes, receipt.decision,
                -- As receipt_seal() has it, but not by it: whoever may change receipts may change functions, too.
                encode(sha256(convert_to(jsonb_build_array(dispute.number, receipt.sequence,
                    to_char(receipt.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), receipt.policy_version, receipt.rule,
                    receipt.because_zh, receipt.because_en, encode(receipt.hash, 'hex'))::text, 'UTF8')), 'hex') AS seal,
                jsonb_build_array(receipt.rule, receipt.because_zh, receipt.because_en) AS columns
            FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
                JOIN cases_receipt AS receipt ON receipt.shop_id = dispute.shop_id AND receipt.case_id = dispute.id) AS kept
            USING (shop_id, number, sequence)
        LEFT JOIN cases_case AS argued USING (shop_id, number)) AS looked
WHERE wrong IS NOT NULL
