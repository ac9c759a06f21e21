-- Everything about one order as JSON text, decoded by orders/models.py: OrderState.
CREATE OR REPLACE FUNCTION order_state(in_shop bigint, in_order bigint, in_person bigint, in_token bigint, in_real_now timestamptz,
    in_replay text) RETURNS text LANGUAGE sql STABLE AS
$$
    SELECT json_build_object(
        'shop_id', o.shop_id, 'shop_code', shop.code, 'shop_name_zh', shop.name_zh, 'shop_name_en', shop.name_en,
        'id', o.id, 'number', o.number, 'buyer_id', o.buyer_id, 'product_id', o.product_id,
        'quantity', o.quantity, 'amount_minor', o.amount_minor, 'currency', o.currency,
        'commission_basis_points', o.commission_basis_points, 'notice', o.notice, 'policy_version', o.policy_version,
        'placed_at', o.placed_at, 'hold_until', o.hold_until, 'paid_at', o.paid_at, 'closed_at', o.closed_at, 'closed_by', o.closed_by,
        'paid_minor', o.paid_minor, 'refunded_minor', o.refunded_minor, 'released_minor', o.released_minor,
        'product_number', product.number, 'kind', product.kind, 'delivery', product.delivery,
        'issuer', product.issuer,
        'title_zh', product.title_zh, 'title_en', product.title_en, 'face_value', product.face_value, 'region', product.region,
        'refund_window_minutes', terms.refund_window_minutes, 'warranty_minutes', terms.warranty_minutes,
        'promise_minutes', terms.promise_minutes,
        'units', (SELECT coalesce(json_agg(json_build_object('position', unit.position, 'goods', unit.goods, 'stage', unit.stage,
                'money', unit.money, 'amount_minor', unit.amount_minor, 'refunded_minor', unit.refunded_minor,
                'since', unit.since, 'delivered_at', unit.delivered_at, 'revealed_at', unit.revealed_at, 'revealed_by', unit.revealed_by,
                'confirmed_at', unit.confirmed_at, 'key_id', unit.key_id, 'frozen_minor', unit.frozen_minor,
                'merchant_minor', unit.merchant_minor, 'case_count', unit.case_count, 'replaces', unit.replaces,
                'use_check', unit.use_check, 'used_by', unit.used_by, 'voidable', unit.voidable, 'matches_order', unit.matches_order,
                'delivered_percent', unit.delivered_percent, 'issuer_asked_at', unit.issuer_asked_at,
                'under_case', EXISTS (SELECT FROM cases_unit AS argued WHERE argued.shop_id = unit.shop_id
                    AND argued.order_id = unit.order_id AND argued.position = unit.position AND argued.open)) ORDER BY unit.position), '[]')
            FROM orders_unit AS unit WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id),
        'payments', (SELECT coalesce(json_agg(json_build_object('id', payment.id, 'number', payment.number, 'channel', payment.channel,
                'status', payment.status, 'amount_minor', payment.amount_minor, 'refunded_minor', payment.refunded_minor,
                'created_at', payment.created_at, 'expires_at', payment.expires_at, 'paid_at', payment.paid_at,
                'transaction_number', payment.transaction_number, 'refunds_made', payment.refunds_made,
                'last_refund_at', payment.last_refund_at) ORDER BY payment.id), '[]')
            FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id),
        'disputes', (SELECT coalesce(json_agg(json_build_object('id', dispute.id, 'number', dispute.number, 'kind', dispute.kind,
                'payment_id', dispute.payment_id, 'channel', dispute.channel, 'amount_minor', dispute.amount_minor,
                'evidence_due_at', dispute.evidence_due_at,
                'units', (SELECT coalesce(json_agg(json_build_object('position', part.position, 'share_minor', part.share_minor,
                        'frozen_minor', part.frozen_minor) ORDER BY part.position), '[]')
                    FROM payments_dispute_unit AS part WHERE part.shop_id = dispute.shop_id AND part.dispute_id = dispute.id))
                ORDER BY dispute.id), '[]')
            FROM payments_dispute AS dispute WHERE dispute.shop_id = o.shop_id AND dispute.order_id = o.id AND dispute.status = 'open'),
        'standing', standing(in_person, in_token, o.shop_id, in_real_now),
        'replay', in_replay)::text
    FROM orders_order AS o
        JOIN accounts_shop AS shop ON shop.id = o.shop_id
        JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
        JOIN catalog_terms AS terms ON terms.shop_id = o.shop_id AND terms.product_id = o.product_id AND terms.version = o.terms_version
    WHERE o.shop_id = in_shop AND o.id = in_order;
$$;
