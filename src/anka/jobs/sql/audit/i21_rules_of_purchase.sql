-- I21. Every order carries the version of the rules that was in force when it was placed.
SELECT format('order %s', touched.number) AS place,
    format('it is judged by rules %s, and %s were in force when it was placed', o.policy_version, coalesce(period.version, 'none')) AS what
FROM touched JOIN orders_order AS o ON o.shop_id = touched.shop_id AND o.id = touched.id
    LEFT JOIN (SELECT publication.version, publication.in_force_from AS begins,
            coalesce(lead(publication.in_force_from) OVER (ORDER BY publication.in_force_from), 'infinity') AS ends
        FROM policies_publication AS publication
        WHERE NOT EXISTS (SELECT FROM policies_withdrawal AS taken WHERE taken.publication_id = publication.id)) AS period
        ON o.placed_at >= period.begins AND o.placed_at < period.ends
WHERE o.policy_version IS DISTINCT FROM period.version
