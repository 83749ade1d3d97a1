"""Every page over HTTP: whole, as a part, with mistakes, and for those who may not."""

from __future__ import annotations

import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.inputs import ScenarioInput, fields_from_pairs
from app.services.situations import SITUATIONS
from tests.web.markup import Document

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
PAGES = [
    "/",
    "/estimate",
    "/estimate?" + SITUATIONS[0].scenario.to_query(),
    "/estimate?epochs=x&methods=",
    "/result",
    "/result?" + SITUATIONS[2].scenario.to_query(),
    "/result?model=mistralai/Mixtral-8x7B-v0.1&adapter_dtype=fp32",
    "/plans",
    "/plans?gpu=H100-SXM-80GB&methods=lora",
    "/plans?gpu=nothing",
    "/plans?include_spot=true&include_reserved=true&include_marketplace=true&currency=EUR",
    "/result?include_spot=true&include_reserved=true&include_capacity_blocks=true&currency=CHF",
    "/result?currency=XXX",
    "/estimate?currency=JPY&exchange_rate_per_usd=150",
    "/compare?left=" + quote("/result?currency=EUR") + "&right=/estimate",
    "/compare",
    "/compare?left=/estimate&right=" + quote("/result?lora_rank=8"),
    "/compare?left=nonsense&right=",
    "/method",
    "/method?source=mlperf&method=lora",
    "/validate",
    "/evidence",
    "/evidence/own",
    "/no/such/page",
]


def _document(response: Response) -> Document:
    document = Document(response.text)
    assert not document.mismatches
    return document


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_well_formed(address: str, reader: TestClient) -> None:
    response = reader.get(address)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    document = _document(response)
    repeated = [name for name, count in document.ids().items() if count > 1]
    assert repeated == []
    for what in ("aria-describedby", "aria-labelledby", "for"):
        for _, found in document.elements:
            for name in found.get(what, "").split():
                assert name in document.ids(), f"{what} names {name}, which is not on the page"
    levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels
    assert document.all("html", lang="en")
    assert document.all("a", href="#main")
    assert document.all("p", role="status", id="status")


@pytest.mark.parametrize("address", ["/estimate", "/result"])
def test_links_within_a_page_lead_somewhere(address: str, reader: TestClient) -> None:
    document = _document(reader.get(address))
    for link in document.all("a"):
        if link["href"].startswith("#"):
            assert link["href"][1:] in document.ids()


def test_the_home_page_leads_to_filled_builders(reader: TestClient) -> None:
    document = _document(reader.get("/"))
    addresses = [a["href"] for a in document.all("a") if a["href"].startswith("/estimate?")]
    read = [
        ScenarioInput.model_validate(fields_from_pairs(parse_qsl(urlsplit(address).query)))
        for address in addresses
    ]
    assert read == [made.scenario for made in SITUATIONS]


def test_a_part_of_the_builder_is_swapped_in(reader: TestClient) -> None:
    response = reader.get("/estimate?lora_rank=16&epochs=3", headers=PARTIAL)
    assert response.status_code == 200
    assert response.headers["hx-push-url"] == "/estimate?lora_rank=16"
    assert "HX-Request-Type" in response.headers["vary"]
    assert "<html" not in response.text
    targets = re.findall(r'<hx-partial hx-target="([^"]+)"', response.text)
    assert targets == ["#problems-place", "#fields", "#status"]
    assert "Recalculated." in response.text
    assert not _document(response).mismatches


def test_the_whole_page_varies_by_the_same_header(reader: TestClient) -> None:
    for headers in ({}, {"HX-Request": "true", "HX-Request-Type": "full"}):
        response = reader.get("/estimate", headers=headers)
        assert "HX-Request-Type" in response.headers["vary"]
        assert "hx-push-url" not in response.headers
        assert "<html" in response.text


def test_an_address_that_is_shown_is_not_pushed_again(reader: TestClient) -> None:
    shown = {**PARTIAL, "HX-Current-URL": "http://localhost/estimate?lora_rank=16"}
    assert reader.get("/estimate?lora_rank=16", headers=shown).headers["hx-push-url"] == "false"


@pytest.mark.parametrize("headers", [{}, PARTIAL], ids=["whole", "part"])
def test_problems_stand_at_their_fields(headers: dict[str, str], reader: TestClient) -> None:
    response = reader.get("/estimate?epochs=many&methods=&test_set_size=5", headers=headers)
    assert response.status_code == 422
    document = _document(response)
    field = document.all("input", id="f-epochs")[0]
    assert field["value"] == "many"
    assert field["aria-invalid"] == "true"
    assert "f-epochs-error" in field["aria-describedby"].split()
    for name in ("f-epochs", "f-methods", "f-test_set_size"):
        assert document.all("a", href=f"#{name}"), "the summary links to the field"
        assert name in document.ids()
    assert not document.all("input", id="f-examples")[0].get("aria-invalid")
    assert "No result yet" in document.text
    assert not document.all("figure")
    if headers:
        assert response.headers["hx-push-url"] == "false"
        assert "3 problems in the form." in document.text


def test_a_problem_found_later_stands_at_its_field_too(reader: TestClient) -> None:
    response = reader.get("/estimate?model=no/such-model&assumptions.fabric_efficiency=9")
    assert response.status_code == 422
    document = _document(response)
    assert document.all("select", id="f-model")[0]["aria-invalid"] == "true"
    assert document.all("input", id="f-assumptions-fabric_efficiency")[0]["value"] == "9"


def test_a_broken_current_address_is_no_error(reader: TestClient) -> None:
    shown = {**PARTIAL, "HX-Current-URL": "http://["}
    response = reader.get("/estimate?lora_rank=16", headers=shown)
    assert response.status_code == 200
    assert response.headers["hx-push-url"] == "/estimate?lora_rank=16"


def _whole_form(reader: TestClient, address: str) -> list[tuple[str, str]]:
    """What a browser without JavaScript sends: every field, changed or not."""
    scenario = ScenarioInput.model_validate(
        fields_from_pairs(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    )
    sent = [
        (found["name"], found.get("value", ""))
        for found in _document(reader.get(address)).all("input")
        if found["name"] != "scenario" and (found.get("type") != "checkbox" or "checked" in found)
    ]
    return [*sent, ("model", scenario.model), ("task_group", scenario.task_group)]


def test_a_form_sent_whole_leads_to_the_address_of_what_differs(reader: TestClient) -> None:
    sent = _whole_form(reader, "/estimate?epochs=2&providers=aws&title=Ours")
    assert len(sent) > 40
    response = reader.get("/estimate", params=sent, follow_redirects=False)
    assert response.status_code == 302
    short = response.headers["location"]
    assert dict(parse_qsl(urlsplit(short).query)) == {
        "epochs": "2", "providers": "aws", "title": "Ours",
    }  # fmt: skip
    assert "HX-Request-Type" in response.headers["vary"]
    assert reader.get(short, follow_redirects=False).status_code == 200
    part = reader.get("/estimate", params=sent, headers=PARTIAL, follow_redirects=False)
    assert part.status_code == 200


def _upload(reader: TestClient, content: bytes | None, **typed: str) -> Response:
    files = {} if content is None else {"config_file": ("config.json", content)}
    return reader.post("/estimate/config", data=typed, files=files, follow_redirects=False)


CONFIG = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
    "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000,
    "tie_word_embeddings": False, "hidden_act": "silu", "max_position_embeddings": 2048,
}  # fmt: skip


def test_a_config_file_is_read_into_the_form_and_nothing_typed_is_lost(reader: TestClient) -> None:
    text = json.dumps(CONFIG, indent=4).encode()
    response = _upload(reader, text, epochs="2", title="Ours", config_json="{}")
    assert response.status_code == 303
    query = dict(parse_qsl(urlsplit(response.headers["location"]).query))
    assert query["epochs"] == "2"
    assert query["title"] == "Ours"
    assert json.loads(query["config_json"]) == CONFIG
    assert reader.get(response.headers["location"]).status_code == 200
    result = reader.get(response.headers["location"].replace("/estimate?", "/result?"))
    assert "1,100 million parameters" in result.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Choose a config.json file first"),
        (b"", "Choose a config.json file first"),
        (b"[1, 2]", "holds no JSON object"),
        (b"\xff\xfe", "holds no JSON object"),
        (b"[" * 90_000, "holds no JSON object"),
        (b" " * (128 * 1024 + 1), "larger than 128 KiB"),
        (b'{"a": "' + b"x" * 9_000 + b'"}', "at most 8,000 characters"),
    ],
    ids=["none", "empty", "list", "bytes", "deep", "large", "long"],
)
def test_a_config_file_that_is_none_says_so_at_its_field(
    content: bytes | None, said: str, reader: TestClient
) -> None:
    response = _upload(reader, content, epochs="2.5", seed="7")
    assert response.status_code == 422
    document = _document(response)
    assert said in document.text
    assert document.all("textarea", id="f-config_json")[0]["aria-invalid"] == "true"
    assert document.all("input", id="f-epochs")[0]["value"] == "2.5"
    assert document.all("input", id="f-seed")[0]["value"] == "7"


def test_a_config_that_is_not_understood_is_said_on_the_builder(reader: TestClient) -> None:
    response = _upload(reader, b'{"model_type": "nothing-known"}')
    assert response.status_code == 303
    page = reader.get(response.headers["location"])
    assert page.status_code == 422
    assert "model_type" in page.text


def test_another_site_cannot_send_a_file(reader: TestClient) -> None:
    response = reader.post(
        "/estimate/config",
        files={"config_file": ("c.json", b"{}")},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert response.status_code == 403


@pytest.mark.parametrize(
    "query",
    ["", "epochs=3.0", "lora_rank=16", "accelerators=", "methods=&methods=lora", "nothing=1"],
)
def test_a_redirect_never_leads_to_another(query: str, reader: TestClient) -> None:
    response = reader.get(f"/estimate?{query}", follow_redirects=False)
    if response.status_code == 302:
        response = reader.get(response.headers["location"], follow_redirects=False)
    assert response.status_code == 200


def test_only_the_plain_pages_are_listed_by_search_engines(reader: TestClient) -> None:
    for address, listed in (("/estimate", True), ("/result", True), ("/method", True),
                            ("/estimate?epochs=2", False), ("/result?epochs=2", False),
                            ("/result?epochs=x", False)):  # fmt: skip
        robots = _document(reader.get(address)).all("meta", name="robots", content="noindex")
        assert (not robots) == listed, address


def test_the_result_is_one_step_away_for_the_keyboard(reader: TestClient) -> None:
    skips = _document(reader.get("/estimate")).all("a", **{"class": "skip"})
    assert [a["href"] for a in skips] == ["#main", "#results"]
    assert len(_document(reader.get("/result")).all("a", **{"class": "skip"})) == 1


def test_the_title_of_the_tab_says_that_there_are_problems(reader: TestClient) -> None:
    for headers in ({}, PARTIAL):
        text = reader.get("/estimate?epochs=x", headers=headers).text
        assert "<title>Error: Please check the form · Tunecase</title>" in text


@pytest.mark.parametrize("address", ["/estimate", "/result"])
def test_what_to_know_first_stands_near_the_verdict(address: str, reader: TestClient) -> None:
    text = reader.get(address).text
    assert text.count(">Before you rely on this</h") == 1
    assert text.index("key-figures") < text.index(">Before you rely on this</h")
    assert text.index(">Before you rely on this</h") < text.index("chart-cost-gain")
    assert text.index("chart-cost-gain") < text.index(">Side by side</h")
    assert 'href="/method#glossary"' in text


def test_thousands_separators_are_read(reader: TestClient) -> None:
    response = reader.get("/estimate?examples=75,000", headers=PARTIAL)
    assert response.headers["hx-push-url"] == "/estimate?examples=75000"


def test_a_result_with_problems_leads_to_the_form(reader: TestClient) -> None:
    response = reader.get("/result?epochs=-1")
    assert response.status_code == 422
    assert _document(response).all("input", id="f-epochs")


def test_a_result_reads_from_the_verdict_down(reader: TestClient) -> None:
    text = reader.get("/result").text
    order = ["class=\"headline\"", "key-figures", "id=\"notes\"", "id=\"chart-cost-gain\"",
             "id=\"side-by-side\"", "id=\"chart-cash-flow\"", "id=\"cash-flow\"", "id=\"risk\"",
             "id=\"chart-npv-spread\"", "id=\"chart-tornado-difference\"",
             "id=\"chart-value-map\"", "id=\"chart-pilot-value\"", "id=\"chart-memory\"",
             "id=\"costs\"", "id=\"ways\"", "id=\"plans\"", "id=\"bill\"", "id=\"model\"",
             "id=\"software\"", "id=\"assumptions\"", "id=\"sources\""]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_chart_has_words_and_numbers(reader: TestClient) -> None:
    document = _document(reader.get("/result"))
    charts = document.all("svg", role="img")
    assert len(charts) == 20, "ten charts, each wide and narrow"
    for chart in charts:
        title, description = chart["aria-labelledby"].split()
        assert document.all("title", id=title)
        assert document.all("desc", id=description)
    assert len(document.all("figcaption")) == 10
    # One table of numbers for each, that of pilots in the open, and that of recovery by rank.
    assert len(document.all("details", **{"class": "numbers"})) == 10
    assert len(document.all("table", **{"class": "stacked triple pilots"})) == 1


def test_what_a_person_types_is_never_markup(reader: TestClient) -> None:
    evil = '"><script>alert(1)</script>'
    for address in (f"/estimate?title={quote(evil)}", f"/result?title={quote(evil)}",
                    f"/estimate?model={quote(evil)}&epochs={quote(evil)}",
                    f"/compare?left={quote(evil)}&right=x"):  # fmt: skip
        for headers in ({}, PARTIAL):
            text = reader.get(address, headers=headers).text
            assert "<script>alert" not in text
            assert "alert(1)" in text


def test_static_files_are_kept_for_ever_under_their_hash(reader: TestClient) -> None:
    document = _document(reader.get("/"))
    sheet = document.all("link", rel="stylesheet")[0]["href"]
    response = reader.get(sheet)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"].startswith("text/css")
    old = reader.get("/static/000000000000/css/app.css")
    assert old.status_code == 200
    assert "max-age=60" in old.headers["cache-control"]
    for path in ("nothing.css", "../pyproject.toml", "%2e%2e/pyproject.toml", ""):
        assert reader.get(f"/static/000000000000/{path}").status_code == 404


def _save(client: TestClient, query: str = "lora_rank=32", title: str = "Ours") -> str:
    response = client.post(
        "/scenarios", data={"scenario": query, "title": title}, follow_redirects=False
    )
    assert response.status_code == 303
    return response.headers["location"]


def test_a_saved_result_is_shared_by_its_link(client: TestClient) -> None:
    address = _save(client)
    cookie = client.cookies.get("workspace")
    assert cookie
    response = client.get(address)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "private, no-store"
    document = _document(response)
    assert document.all("meta", name="robots", content="noindex")
    assert "Ours" in document.text
    copy = [a["href"] for a in document.all("a") if a["href"].startswith("/estimate?")]
    assert parse_qs(urlsplit(copy[0]).query) == {"title": ["Ours"], "lora_rank": ["32"]}
    assert document.all("form", action=f"{address}/revoke")
    assert address in client.get("/").text
    client.cookies.clear()
    assert not _document(client.get(address)).all("form", action=f"{address}/revoke")
    assert address not in client.get("/").text


def test_a_shared_result_says_its_age_and_offers_the_numbers_of_today(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = _save(client)
    document = _document(client.get(address))
    assert "see today's numbers" not in document.text
    ages = [
        int(age.replace(",", "")) for age in re.findall(r"\(([\d,]+) days? old\)", document.text)
    ]
    later = datetime.now(UTC).date() + timedelta(days=40)
    monkeypatch.setattr("app.web.requests.today", lambda: later)
    document = _document(client.get(address))
    assert "Prices age by the day: see today's numbers" in " ".join(document.text.split())
    assert document.all("a", href=f"{address}/today")
    assert [age + 40 for age in ages] == [
        int(age.replace(",", "")) for age in re.findall(r"\(([\d,]+) days? old\)", document.text)
    ]


def test_the_workspace_cookie_is_out_of_reach_of_scripts(client: TestClient) -> None:
    response = client.post("/scenarios", data={"scenario": ""}, follow_redirects=False)
    cookie = response.headers["set-cookie"].lower()
    for part in ("workspace=", "httponly", "samesite=lax", "max-age=31536000", "path=/"):
        assert part in cookie
    assert "secure" not in cookie
    over_tls = client.post(
        "https://localhost/scenarios", data={"scenario": ""}, follow_redirects=False
    )
    assert "secure" in over_tls.headers["set-cookie"].lower()


def test_one_browser_keeps_one_workspace(client: TestClient) -> None:
    first, second = _save(client), _save(client, "epochs=2")
    text = client.get("/").text
    assert first in text
    assert second in text


def test_only_its_owner_withdraws_a_link(client: TestClient) -> None:
    address = _save(client)
    key = client.cookies.get("workspace")
    client.cookies.clear()
    refused = client.post(f"{address}/revoke", follow_redirects=False)
    assert refused.status_code == 403
    assert client.get(address).status_code == 200
    client.cookies.set("workspace", key or "")
    assert client.post(f"{address}/revoke", follow_redirects=False).status_code == 303
    gone = client.get(address)
    assert gone.status_code == 410
    assert "withdrawn" in gone.text


def test_what_cannot_be_estimated_is_not_saved(client: TestClient) -> None:
    response = client.post("/scenarios", data={"scenario": "epochs=0"}, follow_redirects=False)
    assert response.status_code == 422
    assert "set-cookie" not in response.headers
    too_long = client.post("/scenarios", data={"scenario": "", "title": "x" * 200})
    assert too_long.status_code == 422
    assert _document(too_long).all("input", id="f-title")[0]["aria-invalid"] == "true"


def test_two_scenarios_are_compared(client: TestClient) -> None:
    address = _save(client)
    response = client.get("/compare", params={"left": f"http://x{address}", "right": "epochs=1"})
    assert response.status_code == 200
    text = _document(response).text
    assert "LoRA rank" in text
    assert "Epochs" in text
    assert "as shared on" in text


def test_equal_scenarios_do_not_differ(reader: TestClient) -> None:
    text = _document(reader.get("/compare", params={"left": "/result", "right": "epochs=3"})).text
    assert "Nothing differs." in text
    assert "What differs in what was asked" not in text


@pytest.mark.parametrize(
    ("left", "right", "status", "said"),
    [
        ("", "", 200, "Paste two links"),
        ("epochs=2", "", 200, "Paste two links"),
        ("epochs=2", "epochs=x", 422, "Epochs must be a number"),
        ("epochs=2", "a" * 32, 422, "No scenario has this link."),
        ("what?", "epochs=2", 422, "neither a link"),
    ],
)
def test_a_comparison_says_what_is_missing(
    left: str, right: str, status: int, said: str, reader: TestClient
) -> None:
    response = reader.get("/compare", params={"left": left, "right": right})
    assert response.status_code == status
    assert said in _document(response).text


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/nothing", 404), ("GET", "/s/unknown", 404), ("POST", "/estimate", 405),
     ("POST", "/s/unknown/revoke", 404)],
)  # fmt: skip
def test_errors_are_pages_with_a_way_on(
    method: str, address: str, status: int, reader: TestClient
) -> None:
    response = reader.request(method, address)
    assert response.status_code == status
    document = _document(response)
    assert document.all("a", href="/")
    assert response.headers["cache-control"] == "no-store"
    if status == 405:
        assert response.headers["allow"]


def test_an_unexpected_error_shows_no_traceback(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret detail")

    monkeypatch.setattr("app.web.pages.estimate", broken)
    careful = TestClient(reader.app, base_url="http://localhost", raise_server_exceptions=False)
    response = careful.get("/result")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "went wrong on our side" in _document(response).text


def test_the_api_keeps_its_own_errors(reader: TestClient) -> None:
    response = reader.get("/api/v1/nothing")
    assert response.status_code == 404
    assert "json" in response.headers["content-type"]


@pytest.mark.parametrize(
    "term",
    ["P10, P90", "Tornado", "XIRR", "Return on investment", "Break-even", "perfect information",
     "Worth of a pilot"],
)  # fmt: skip
def test_the_glossary_has_what_results_speak_of(reader: TestClient, term: str) -> None:
    glossary = reader.get("/method").text.partition('id="glossary"')[2]
    assert any(term in entry for entry in re.findall(r"<dt>(.*?)</dt>", glossary))
