-- I22. Rules were announced as they have to be: checked and tried on the past just as they are, ten minutes ahead at least, less than seven
-- days only by two people and with a reason, after all that was announced before, withdrawn only before they counted; every such step, and
-- every edit, has its event. (That their texts are rules and have the version they are kept under is verified beside this, in audit.py.)
SELECT format('rules %s', publication.version) AS place, format('they were announced without a %s that they passed', kind.name) AS what
FROM policies_publication AS publication CROSS JOIN (VALUES ('check'), ('backtest')) AS kind (name)
WHERE publication.by_person <> 0 AND NOT EXISTS (SELECT FROM policies_run AS run
    WHERE run.draft_id = publication.draft_id AND run.kind = kind.name AND run.version = publication.version AND run.passed
        AND run.finished_at <= publication.announced_at)
UNION ALL
SELECT format('rules %s', publication.version), 'they were announced less than ten minutes ahead'
FROM policies_publication AS publication
WHERE publication.by_person <> 0 AND publication.in_force_from < publication.announced_at + interval '10 minutes'
UNION ALL
SELECT format('rules %s', publication.version), format('they were announced less than seven days ahead by person %s alone', publication.by_person)
FROM policies_publication AS publication
WHERE publication.by_person <> 0 AND publication.in_force_from < publication.announced_at + interval '168 hours'
    AND (btrim(publication.reason) = '' OR publication.approved_by IS NULL OR publication.approved_by = publication.by_person)
UNION ALL
SELECT format('rules %s', publication.version), format('they come into force before rules %s, which were announced earlier', earlier.version)
FROM policies_publication AS publication JOIN policies_publication AS earlier
    ON earlier.id < publication.id AND earlier.in_force_from >= publication.in_force_from
WHERE NOT EXISTS (SELECT FROM policies_withdrawal AS taken
                  WHERE taken.publication_id = earlier.id AND taken.withdrawn_at <= publication.announced_at)
UNION ALL
SELECT format('rules %s', publication.version), 'they were withdrawn after they had come into force'
FROM policies_publication AS publication JOIN policies_withdrawal AS taken ON taken.publication_id = publication.id
WHERE taken.withdrawn_at >= publication.in_force_from
UNION ALL
SELECT format('draft %s', draft.number), format('%s of its announcements and withdrawals have no event', step.times - count(event.sequence))
FROM policies_draft AS draft JOIN LATERAL (SELECT count(publication.id) + count(taken.publication_id) AS times
        FROM policies_publication AS publication LEFT JOIN policies_withdrawal AS taken ON taken.publication_id = publication.id
        WHERE publication.draft_id = draft.id) AS step ON true
    LEFT JOIN core_event AS event ON event.shop_id = 0 AND event.order_id = draft.id
        AND event.what IN ('policy_published', 'policy_withdrawn')
GROUP BY draft.number, step.times HAVING count(event.sequence) <> step.times
UNION ALL
SELECT format('draft %s', draft.number), format('it is at revision %s after %s edits', draft.revision, count(event.sequence))
FROM policies_draft AS draft LEFT JOIN core_event AS event ON event.shop_id = 0 AND event.order_id = draft.id AND event.what = 'policy_edited'
GROUP BY draft.number, draft.revision HAVING draft.revision <> 1 + count(event.sequence)
UNION ALL
SELECT format('draft %s', draft.number), format('it is %s, and was announced %s times', draft.status, count(publication.id))
FROM policies_draft AS draft LEFT JOIN policies_publication AS publication ON publication.draft_id = draft.id
GROUP BY draft.number, draft.status HAVING count(publication.id) <> (draft.status = 'published')::integer
UNION ALL
SELECT format('event %s', event.order_id), 'it stands in the chain of a draft that does not exist, or does not begin one'
FROM core_event AS event LEFT JOIN policies_draft AS draft ON draft.id = event.order_id
WHERE event.shop_id = 0 AND event.sequence = 1 AND (draft.id IS NULL OR event.what <> 'policy_drafted')
