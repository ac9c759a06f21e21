"""The first path over HTTP: look, order, pay, open or cancel, and see the money come back."""

from anka.accounts import passwords
from anka.core.clock import moment
from anka.flows.sign_up import sign_up
from tests.api.client import Client
from tests.api.people import OUT, a_client, a_sealed_order, merchant_of
from tests.builders import a_product, serial


def test_a_password_gives_a_token_that_works() -> None:
    name = f"reader{serial()}"
    sign_up(username=name, display_name=name, language="zh-hans", password_hash=passwords.hash_password(password="anka-demo"), at=moment())
    answer = Client().post("/auth/token", {"username": f" {name.upper()} ", "password": "anka-demo"})
    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert Client(token=answer.json["token"]).get("/wallet").json["balance_minor"] == 0


def test_order_cancel_unpaid() -> None:
    buyer, product = a_client(), a_product(stock=2)
    listed = Client().get(f"/products?shop={product.shop.code}&kind=card_key&delivery=auto").json
    assert [item["id"] for item in listed["items"]] == [product.number]
    assert listed["items"][0]["available"] == 2
    placed = buyer.post("/orders", {"product_id": product.number, "quantity": 2})
    assert placed.status == 201
    order = placed.json
    assert placed.headers["Location"] == f"/api/v1/orders/{order['number']}"
    assert order["amount_minor"] == 20000
    assert order["product"] == {"id": product.number, "name": "测试卡密", "kind": "card_key", "face_value": "100", "region": "CN"}
    assert [(unit["id"], unit["stage"], unit["money"]) for unit in order["units"]] == [
        (f"{order['number']}-1", "reserved", "none"),
        (f"{order['number']}-2", "reserved", "none"),
    ]
    allowed = {action["name"] for action in order["actions"] if action["allowed"]}
    assert allowed == {"pay", "quote", "cancel"}
    quote = buyer.get(f"/orders/{order['number']}/cancellation?reason={OUT}").json
    assert quote["refund_minor"] == 0
    assert {decision["route"] for decision in quote["decisions"]} == {"close"}
    closed = buyer.post(f"/orders/{order['number']}/cases", {"reason": OUT, "quote": quote["id"]})
    assert closed.status == 201, closed.body
    case = closed.json["cases"][0]
    assert case["outcome"] == "released"
    assert case["asker"] == "buyer"
    assert case["decision"]["route"] == "close"
    assert buyer.get(f"/cases/{case['number']}").json == case
    after = buyer.get(f"/orders/{order['number']}").json
    assert after["cases"] == [case["number"]]
    assert {unit["stage"] for unit in after["units"]} == {"released"}
    assert after["status"] == "closed"
    assert not any(action["allowed"] for action in after["actions"])


def test_sealed_refund_to_the_wallet_of_one_unit_of_three() -> None:
    buyer = a_client()
    number = a_sealed_order(buyer, quantity=3)
    quote = buyer.get(f"/orders/{number}/cancellation?units=2&units={number}-3").json
    assert quote["refund_minor"] == 20000
    assert quote["allowed"]
    done = buyer.post(f"/orders/{number}/cases", {"reason": OUT, "units": [2, f"{number}-3"], "quote": quote["id"]})
    assert done.status == 201, done.body
    refund = buyer.get(f"/refunds/{done.json['cases'][0]['refunds'][0]}").json
    assert refund["amount_minor"] == 20000
    assert refund["units"] == [f"{number}-2", f"{number}-3"]
    order = buyer.get(f"/orders/{number}").json
    assert [unit["stage"] for unit in order["units"]] == ["sealed", "recalled", "recalled"]
    assert order["refunds"] == [refund]


def test_reveal_again_and_again_gives_the_same_secret() -> None:
    buyer, product = a_client(), a_product(stock=1)
    number = a_sealed_order(buyer, product=product)
    first = buyer.post(f"/orders/{number}/units/{number}-1/reveal")
    again = buyer.post(f"/orders/{number}/units/1/reveal", {})
    assert first.status == again.status == 200
    assert first.json == again.json == {"unit": f"{number}-1", "secret": product.secrets[0]}
    assert first.headers["Cache-Control"] == "no-store"
    order = buyer.get(f"/orders/{number}").json
    assert product.secrets[0] not in str(order)
    quote = buyer.get(f"/orders/{number}/cancellation?reason=KEY_INVALID").json
    assert (quote["allowed"], quote["ask_required"], quote["left_minor"]) == (True, True, 10000)
    refused = buyer.post(f"/orders/{number}/cases", {"reason": "KEY_INVALID"})
    assert (refused.status, refused.code, list(refused.json["fields"])) == (422, "ask_required", ["ask"])
    confirmed = buyer.post(f"/orders/{number}/confirm")
    assert confirmed.status == 200, confirmed.body
    assert confirmed.json["units"][0]["money"] == "released"


def test_the_merchant_sees_the_order_and_nobody_else_does() -> None:
    buyer, product = a_client(), a_product()
    number = buyer.order(product)
    merchant = merchant_of(product)
    assert merchant.get(f"/orders/{number}").json["number"] == number
    assert [line["number"] for line in merchant.get("/orders").json["items"]] == [number]
    assert [line["number"] for line in buyer.get("/orders?role=buyer").json["items"]] == [number]
    missing = buyer.get("/orders/QM-0000000000000")
    another = a_client().get(f"/orders/{number}")
    assert (missing.status, missing.body) == (another.status, another.body)
    assert another.code == "not_found"


def test_a_payment_through_the_channel_says_where_to_pay() -> None:
    buyer = a_client()
    number = buyer.order(a_product())
    payment = buyer.post(f"/orders/{number}/payments", {"channel": "sandbox"})
    assert payment.status == 201
    assert payment.json["cashier_url"].startswith("http://")
    assert payment.json["qr"]
    assert payment.json["status"] == "pending"
    assert buyer.get(f"/orders/{number}").json["payments"][0]["number"] == payment.json["number"]
