-- What keeps a shop's deposit where it is: open cases, and the end of the longest warranty of anything it has sold.
CREATE OR REPLACE FUNCTION deposit_bound_until(in_shop bigint) RETURNS jsonb LANGUAGE sql STABLE AS
$$
    SELECT jsonb_build_object(
        'cases', (SELECT count(*) FROM cases_case WHERE shop_id = in_shop AND closed_at IS NULL),
        'orders', (SELECT count(DISTINCT unit.order_id) FROM orders_unit AS unit
                   WHERE unit.shop_id = in_shop AND unit.money IN ('held', 'released', 'refunding', 'part_refunded')),
        'until', (SELECT max(coalesce(unit.delivered_at, unit.since) + make_interval(mins => terms.warranty_minutes))
                  FROM orders_unit AS unit
                      JOIN orders_order AS o ON o.shop_id = unit.shop_id AND o.id = unit.order_id
                      JOIN catalog_terms AS terms ON terms.shop_id = o.shop_id AND terms.product_id = o.product_id
                          AND terms.version = o.terms_version
                  WHERE unit.shop_id = in_shop AND unit.money NOT IN ('none', 'refunded')));
$$;
