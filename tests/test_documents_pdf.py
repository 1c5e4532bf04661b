"""Papers for customers: what the document says is on them, whatever people typed, and
the same every time.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tickets.billing.documents import styles
from tickets.billing.documents.paragraphs import paragraph, width_of
from tickets.billing.documents.pdf import render
from tickets.billing.documents.scripts import direction, isolate, visual
from tickets.billing.documents.text import clean, fold, with_unprintable
from tickets.billing.documents.typefaces import glyphs
from tickets.pricing.money_format import day, less, moment, money, number

ROOT = Path(__file__).resolve().parent.parent


def line(
    kind: str = "part", description: str = "Brake pads, front axle", **more: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": 1,
        "description": description,
        "quantity": "1.000",
        "unit": "each",
        "unit_price": "89.90",
        "discount": "0.00",
        "amount": "89.90",
        "share": "0.00",
        "net": "89.90",
        "tax": "17.98",
        "total": "107.88",
        "tax_name": "VAT",
        "tax_rate": "20.00",
        "part": {"id": 3, "sku": "BRK-2210"},
        "mechanic": None,
        **more,
    }


def labor(**more: Any) -> dict[str, Any]:
    work = {
        "unit": "hour",
        "quantity": "1.500",
        "unit_price": "95.00",
        "amount": "142.50",
        "part": None,
        "mechanic": {"id": 2, "name": "Ana Diaz"},
    }
    return line("labor", "Replace front pads and discs, bed in", **{**work, **more})


def job(title: str = "Front brakes", status: str = "done", **more: Any) -> dict[str, Any]:
    lines = [
        labor(),
        line(),
        line(
            description="Brake discs, front",
            unit="pair",
            quantity="2.000",
            discount="10.00",
            amount="169.80",
        ),
    ]
    story = {
        "concern": "Squeals in the morning",
        "cause": "Pads at 2 mm",
        "correction": "Pads and discs replaced",
    }
    return {
        "id": 1,
        "title": title,
        "status": status,
        **story,
        "lines": lines,
        "net": "402.20",
        "tax": "80.44",
        "total": "482.64",
        **more,
    }


INVOICE: dict[str, Any] = {
    "kind": "invoice",
    "number": "INV-2026-000123",
    "issued_on": "2026-11-25",
    "due_on": "2026-12-09",
    "paper": "a4",
    "shop": {
        "name": "Harbour Street Garage",
        "address": "14 Harbour Street\nBristol BS1 4RN",
        "phone": "+44 117 496 0123",
        "email": "desk@harbour.example",
        "tax_id": "GB 123 4567 89",
    },
    "customer": {
        "id": 7,
        "name": "Eleni Papadaki",
        "address": "Flat 3\n22 Queen Square",
        "phone": "+44 7700 900123",
        "email": "eleni@example.com",
    },
    "vehicle": {
        "id": 4,
        "plate": "AB12 CDE",
        "vin": "WVWZZZ1JZXW000001",
        "make": "Volkswagen",
        "model": "Golf",
        "year": 2019,
        "odometer_in": 82100,
        "odometer_out": 82104,
    },
    "ticket": {
        "id": 9,
        "number": "T-000123",
        "concern": "Steering wheel shakes",
        "cause": "Discs scored",
        "correction": "Road tested",
    },
    "currency": "GBP",
    "prices_include_tax": False,
    "tax_rounding": "group",
    "jobs": [job(), job("Timing belt")],
    "lines": [
        line("fee", "Disposal of old parts", unit_price="4.50", amount="4.50", part=None),
        line("supplies", "", amount="8.12", part=None),
    ],
    "discount": "20.00",
    "taxes": [{"name": "VAT", "rate": "20.00", "base": "645.88", "amount": "129.18"}],
    "subtotal": "700.73",
    "tax": "129.18",
    "total": "829.91",
    "deposits": "100.00",
    "due": "729.91",
}
ESTIMATE_JOBS = [
    job("Front brakes", "approved"),
    job("Timing belt", "proposed"),
    job("Rear tyres", "declined"),
    job("Air conditioning", "deferred"),
    job("Forgotten", "cancelled"),
]
TWO_TAXES = [
    {"name": "State tax", "rate": "6.25", "base": "645.88", "amount": "40.37"},
    {"name": "City", "rate": "1.50", "base": "45.88", "amount": "0.69"},
]
PAYMENT = {
    "number": "R-000012",
    "kind": "deposit",
    "method": "card",
    "amount": "100.00",
    "reference": "Visa 1234",
    "received_at": "2026-11-25T21:31:00Z",
}


def of(kind: str = "invoice", **more: Any) -> dict[str, Any]:
    """A document of this kind; a receipt has nothing that was charged for."""
    own: dict[str, dict[str, Any]] = {
        "invoice": {},
        "estimate": {
            "number": "T-000123",
            "jobs": ESTIMATE_JOBS,
            "taxes": TWO_TAXES,
            "paper": "letter",
        },
        "credit_note": {
            "number": "CN-2026-000004",
            "invoice": {"id": 1, "number": "INV-2026-000123"},
            "reason": "Discs came back unused",
        },
        "receipt": {
            "number": "R-000012",
            "payment": PAYMENT,
            "invoice": {"id": 1, "number": "INV-2026-000123"},
        },
    }
    document = deepcopy(INVOICE | {"kind": kind} | own[kind] | more)
    charged = (
        ("jobs", "lines", "taxes", "subtotal", "tax", "total", "discount")
        if kind == "receipt"
        else ()
    )
    return {
        key: value
        for key, value in document.items()
        if key not in (*charged, *(("due_on", "due", "deposits") if kind != "invoice" else ()))
    }


KINDS = ("estimate", "invoice", "credit_note", "receipt")


def pages_of(pdf: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(BytesIO(pdf)).pages]


def text_of(document: dict[str, Any]) -> str:
    return " ".join(pages_of(render(document)))


# --- what is on it --------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_whose_it_is_for_whom_and_for_what(kind: str) -> None:
    text = text_of(of(kind))
    for said in (
        "Harbour Street Garage",
        "14 Harbour Street",
        "Bristol BS1 4RN",
        "+44 117 496 0123",
        "desk@harbour.example",
        "GB 123 4567 89",
    ):
        assert said in text
    for said in (
        "Eleni Papadaki",
        "22 Queen Square",
        "eleni@example.com",
        "2019 Volkswagen Golf",
        "AB12 CDE",
        "WVWZZZ1JZXW000001",
        "82100",
        "82104",
    ):
        assert said in text
    assert "Nov 25, 2026" in text
    assert of(kind)["number"] in text


@pytest.mark.parametrize("kind", ["estimate", "invoice", "credit_note"])
def test_every_amount_and_text_of_what_is_charged(kind: str) -> None:
    document = of(kind)
    text = text_of(document)
    jobs = [work for work in document["jobs"] if work["status"] != "cancelled"]
    for work in jobs:
        assert {work[key] for key in ("title", "concern", "cause", "correction")} <= found(
            work, text
        )
        assert {f"£{work[key]}" for key in ("net", "tax", "total")} <= found(
            {key: f"£{work[key]}" for key in ("net", "tax", "total")}, text
        )
    for item in [*(item for work in jobs for item in work["lines"]), *document["lines"]]:
        assert (item["description"] or "Shop supplies") in text
        assert f"£{item['unit_price']}" in text
        assert f"£{item['amount']}" in text
    for said in (
        "1.5 h",
        "2 pair",
        "20%",
        "BRK-2210",
        "Ana Diaz",
        "Discount -£10.00",
        "Discount -£20.00",
        "£700.73",
        "£129.18",
        "£829.91",
    ):
        assert said in text
    for tax in document["taxes"]:
        assert f"{tax['name']} {number(tax['rate'])}% on £{tax['base']} £{tax['amount']}" in text
    for said in (document["ticket"][key] for key in ("concern", "cause", "correction")):
        assert said in text


def found(texts: dict[str, Any], text: str) -> set[str]:
    return {value for value in texts.values() if isinstance(value, str) and value in text}


def test_an_invoice_says_what_is_left_to_pay_and_until_when() -> None:
    text = text_of(of())
    for said in (
        "£729.91 due by Dec 9, 2026",
        "Paid in advance -£100.00",
        "Amount due £729.91",
        "Total £829.91",
        "Subtotal £700.73",
    ):
        assert said in text
    assert "Signature" not in text


def test_an_invoice_that_is_paid_says_so() -> None:
    text = text_of(of(due="0.00", deposits="829.91"))
    assert "Paid in full" in text
    assert "Amount due £0.00" in text
    assert "Paid in advance" not in text_of(of(deposits="0.00"))


def test_an_estimate_keeps_apart_what_the_customer_did_not_want() -> None:
    text = text_of(of("estimate"))
    order = [
        "Front brakes Approved",
        "Timing belt Waiting for your approval",
        "Total £829.91",
        "Recommended, not part of this estimate",
    ]
    order += [
        "Rear tyres Declined",
        "Air conditioning Deferred",
        "I approve this estimate of £829.91",
        "Signature Name Date",
    ]
    places = [text.index(said) for said in order]
    assert places == sorted(places)
    assert "Forgotten" not in text


def test_a_credit_note_names_its_invoice_and_the_reason() -> None:
    text = text_of(of("credit_note"))
    for said in ("Credit note", "INV-2026-000123", "Discs came back unused", "£829.91 credited"):
        assert said in text
    assert "due" not in text.lower()


def test_a_receipt_says_how_much_came_how_and_when() -> None:
    text = text_of(of("receipt"))
    for said in (
        "Deposit received: £100.00",
        "Card",
        "Visa 1234",
        "Nov 25, 2026, 9:31 PM",
        "INV-2026-000123",
        "T-000123",
    ):
        assert said in text
    refund = text_of(
        of(
            "receipt",
            payment=PAYMENT | {"kind": "refund", "reference": "", "number": "P-9"},
            invoice=None,
            vehicle=None,
        )
    )
    assert "Refund paid out: £100.00" in refund
    assert "P-9" in refund
    assert "Reference" not in refund


def test_prices_that_contain_their_tax_say_which() -> None:
    assert "Total £829.91 of which VAT 20% on £645.88 £129.18 Net £700.73" in text_of(
        of(prices_include_tax=True)
    )


def test_tax_that_is_rounded_line_by_line_is_told_line_by_line() -> None:
    assert "£17.98" not in text_of(of())
    assert "20% £17.98" in text_of(of(tax_rounding="line"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_be_missing_may_be_missing(kind: str) -> None:
    bare = {"name": "", "address": "", "phone": "", "email": "", "tax_id": ""}
    document = of(
        kind,
        shop=bare,
        customer={"id": 1, **bare},
        ticket={"id": 1, "number": "T-1", "concern": ""},
        discount="0.00",
        taxes=[],
        lines=[],
    )
    document |= {"due_on": None, "reason": "", "tax": "0.00"}
    for work in document.get("jobs", []):
        work |= {"concern": "", "cause": None, "correction": "", "tax": "0.00"}
        work["lines"] = [line(tax_name="", part=None)]
    for vehicle in (None, dict.fromkeys(INVOICE["vehicle"]), {"id": 1, "plate": "AB12"}):
        text = text_of(document | {"vehicle": vehicle})
        assert "None" not in text
        assert "null" not in text
    assert render(document | {"ticket": None, "jobs": []})


# --- pages ----------------------------------------------------------------------------


def long_invoice(count: int = 200, **more: Any) -> dict[str, Any]:
    wordy = " which has a description that does not fit in one line of its column by far"
    many = [line(description=f"Part {place:03d}{wordy * (place % 3)}") for place in range(count)]
    return of(jobs=[job(lines=many)], **more)


def test_a_long_invoice_repeats_its_header_and_counts_its_pages() -> None:
    pages = pages_of(render(long_invoice()))
    assert len(pages) > 5
    for place, text in enumerate(pages, start=1):
        assert f"page {place} of {len(pages)}" in text
        assert "Description Quantity Unit price VAT Amount" in text
        assert "INV-2026-000123" in text
    assert all(any(f"Part {place:03d}" in text for text in pages) for place in range(200))


@pytest.mark.parametrize("lines", range(9, 17))
def test_totals_are_never_torn_nor_alone(lines: int) -> None:
    """With a line more each, the end of the page comes to stand at every place in them."""
    last = next(
        text for text in pages_of(render(long_invoice(lines, lines=[]))) if "Amount due" in text
    )
    for said in (
        "Discount -£20.00",
        "Subtotal",
        "VAT 20% on",
        "Total £829.91",
        "Paid in advance",
        "Job total",
        f"Part {lines - 1:03d}",
    ):
        assert said in last


@pytest.mark.parametrize("before", range(5, 16))
def test_a_heading_stays_with_its_first_line(before: int) -> None:
    jobs = [
        job("One", lines=[line()] * before, concern="", cause="", correction=""),
        job("Second job", lines=[line(description="First of the second")]),
    ]
    pages = pages_of(render(of(jobs=jobs)))
    with_heading = next(text for text in pages if "Second job" in text)
    assert (
        "Second job Concern: Squeals in the morning Cause: Pads at 2 mm Correction: Pads "
        "and discs replaced First of the second"
    ) in with_heading


@pytest.mark.parametrize(("paper", "size"), [("a4", styles.A4), ("letter", styles.LETTER)])
@pytest.mark.parametrize("kind", KINDS)
def test_paper(kind: str, paper: str, size: tuple[float, float]) -> None:
    for page in PdfReader(BytesIO(render(of(kind, paper=paper)))).pages:
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(
            size, abs=0.01
        )


def test_amounts_end_at_one_edge() -> None:
    """Same decimals and digits of one width: points stand below each other where the
    ends do.
    """
    ends: dict[str, list[float]] = {}

    def seen(
        text: str, _: Any, matrix: list[float], font: dict[str, Any] | None, size: float
    ) -> None:
        if text.strip() in {"£142.50", "£89.90", "£169.80", "£4.50", "£8.12"} and matrix[4] > 450:
            ends.setdefault("amount", []).append(matrix[4] + look_width(text.strip(), size))

    for page in PdfReader(BytesIO(render(of()))).pages:
        page.extract_text(visitor_text=seen)
    assert len(ends["amount"]) >= 8
    assert max(ends["amount"]) - min(ends["amount"]) < 0.1


def look_width(text: str, size: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return stringWidth(text, styles.PLAIN, size)


# --- the file -------------------------------------------------------------------------


def test_the_file_says_what_it_is() -> None:
    reader = PdfReader(BytesIO(render(of())))
    assert reader.metadata is not None
    assert reader.metadata.title == "Invoice INV-2026-000123"
    assert reader.metadata.author == "Harbour Street Garage"
    assert reader.root_object["/Lang"] == "en"


@pytest.mark.parametrize("kind", KINDS)
def test_all_fonts_are_in_the_file_and_only_their_used_glyphs(kind: str) -> None:
    pdf = render(of(kind))
    fonts = [
        font.get_object()
        for page in PdfReader(BytesIO(pdf)).pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    for font in fonts:
        assert re.fullmatch(r"/[A-Z]{6}\+DejaVuSans(-Bold)?", font["/BaseFont"])
        assert "/FontFile2" in font["/FontDescriptor"]
    assert len(pdf) < 120_000


def test_the_same_document_is_the_same_bytes_in_any_process() -> None:
    """Twice here and once each in processes that order their sets otherwise and live in
    another year and time zone.
    """
    documents = [of(kind) for kind in KINDS]
    program = (
        "import json, sys, django; django.setup()\n"
        "from hashlib import sha256\n"
        "from tickets.billing.documents.pdf import render\n"
        "print(*(sha256(render(document)).hexdigest() for document in json.load(sys.stdin)))"
    )
    expected = [sha256(render(document)).hexdigest() for document in documents]
    assert [sha256(render(document)).hexdigest() for document in reversed(documents)] == expected[
        ::-1
    ]
    for seed in ("1", "4711"):
        env = os.environ | {
            "PYTHONHASHSEED": seed,
            "DJANGO_SETTINGS_MODULE": "mechanic_shop.settings",
            "TZ": f"UTC{seed[0]}",
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(documents),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=env,
            check=True,
        )
        assert done.stdout.split() == expected


def test_threads_do_not_disturb_each_other() -> None:
    documents = [of(kind, reason=f"Reason {place}") for place in range(5) for kind in KINDS]
    expected = [render(document) for document in documents]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(render, documents)) == expected


def test_a_document_is_only_read() -> None:
    document = of("estimate")
    before = deepcopy(document)
    render(document)
    assert document == before


# --- what people type -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Елена Петрова", "Ґанна Їжакевич", "Ελένη Παπαδάκη", "Zoë Łęcka-Ångström", "Đặng Thị Ngọc"],
)
def test_other_alphabets(name: str) -> None:
    document = of(
        customer=INVOICE["customer"] | {"name": name},
        shop=INVOICE["shop"] | {"name": name},
        jobs=[job(name, lines=[line(description=name)])],
    )
    text = text_of(document)
    assert text.count(name) >= 4
    assert PdfReader(BytesIO(render(document))).metadata.author == name


HOSTILE = {
    "markup": (
        '<b>bold</b> <font size="90">big</font> & </para> <img '
        'src="http://example.com/x.png"/> &lt;i&gt; &#65; <a href="javascript:x">y</a>'
    ),
    "unclosed": "<b <i> </ <!-- <![CDATA[ ]]> <?xml &nosuch;",
    "one word": "W" * 1500,
    "many words": "word " * 300,
    "many lines": "a\n\n\nb\n" * 20,
    "other line ends": "a\r\nb\rc\x0bd\x0ce\x1cf\x85g\u2028h\u2029i",
    "control": "".join(map(chr, range(32))) + "\x7f\x80\x9f end",
    "emoji": "🚗🔧 👨‍👩‍👧 ❤️ 🇬🇧 end",
    "cjk": "車の修理 자동차 汽车",
    "rtl": "שלום עולם مرحبا بالعالم \u202egnirts\u202c \u2066x\u2069",
    "surrogate": "\ud83d lonely \udfff",
    "combining": "a" + "\u0301" * 300,
    "spaces": "\u00a0\u2003\u3000\u200b\t \n \u00a0",
    "no break": "x\u00a0" * 600,
    "astral": "\U0010ffff\ufffe\uffff",
    "percent": "%s %(x)s {0} {x!r} \\n \\",
}


def strings_replaced(value: Any, text: str) -> Any:
    """Every text of a document that a person may have typed."""
    kept = {
        "kind",
        "status",
        "paper",
        "currency",
        "tax_rounding",
        "issued_on",
        "due_on",
        "received_at",
    }
    if isinstance(value, dict):
        return {
            key: item if key in kept else strings_replaced(item, text)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [strings_replaced(item, text) for item in value]
    if isinstance(value, str) and not re.fullmatch(r"[\d.]+", value):
        return text
    return value


@pytest.mark.parametrize(
    "kind", ["estimate", "receipt"]
)  # all that there is on paper is on one of them
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_breaks_a_page(kind: str, text: str) -> None:
    taxes = [{"name": text, "rate": "1.00", "base": "1.00", "amount": "0.01"}] * 10
    document = strings_replaced(of(kind, taxes=taxes, paper="letter"), text)
    pages = pages_of(render(document))
    assert f"page {len(pages)} of {len(pages)}" in pages[-1]


@pytest.mark.parametrize("length", range(60, 1600, 140))
def test_no_length_of_texts_breaks_a_page(length: int) -> None:
    """One line of one job with everything that must stay beside it, at any height."""
    text = ("Wide words " * length)[:length]
    taxes = [
        {
            "name": "A tax of a name that takes lines",
            "rate": "1.00",
            "base": "1.00",
            "amount": "0.01",
        }
    ] * 10
    document = of(
        jobs=[job(text, concern=text, cause="", correction="", lines=[line(description=text)])],
        lines=[],
        taxes=taxes,
        paper="letter",
    )
    assert "Amount due" in text_of(document)


def test_more_taxes_than_a_page_has_lines() -> None:
    assert "Tax 99 1%" in text_of(
        of(
            taxes=[
                {"name": f"Tax {place}", "rate": "1.00", "base": "1.00", "amount": "0.01"}
                for place in range(100)
            ]
        )
    )


def test_markup_is_printed_and_not_obeyed() -> None:
    text = text_of(
        of(
            customer=INVOICE["customer"] | {"name": "<b>Bob</b> & Søn"},
            jobs=[job(lines=[line(description=HOSTILE["markup"])])],
        )
    )
    assert "<b>Bob</b> & Søn" in text
    for said in (
        "<b>bold</b>",
        '<font size="90">big</font>',
        "& </para>",
        "&lt;i&gt; &#65;",
        "javascript:x",
    ):
        assert said in text
    reader = PdfReader(BytesIO(render(of(jobs=[job(lines=[line(description=HOSTILE["markup"])])]))))
    assert not any(
        page.get("/Annots") or page["/Resources"].get("/XObject") for page in reader.pages
    )


def shown(document: dict[str, Any]) -> str:
    """The text of a document in the order of drawing: pypdf would put it back into that
    of reading.
    """
    texts: list[str] = []
    for page in PdfReader(BytesIO(render(document))).pages:
        page.extract_text(visitor_text=lambda text, *_: texts.append(text))
    return " ".join("".join(texts).split())


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("שלום (כהן) 12-34", "12-34 (ןהכ) םולש"),
        ("Ana שלום", "Ana םולש"),
        ("\u05de\u05b4\u05d9", "\u05d9\u05b4\u05de"),
    ],
)
def test_hebrew_is_drawn_from_right_to_left(name: str, drawn: str) -> None:
    assert visual(name, direction(name), glyphs()) == drawn


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        (
            "محمد",
            "\ufeaa\ufee4\ufea4\ufee3",
        ),  # initial, medial, medial, final: from the left the last comes first
        ("سلام", "\ufee1\ufefc\ufeb3"),  # lam and alef are one
        (
            "مُحَمَّد",
            "\ufeaa\u0651\u064e\ufee4\u064e\ufea4\u064f\ufee3",
        ),  # the font draws a vowel onto what follows it
        ("می\u200cشود", "\ufea9\ufeee\ufeb7\ufbfd\ufee3"),  # the joiner parts two letters
        ("پژو ۲۰۶", "۲۰۶ \ufeed\ufb8b\ufb58"),
    ],
)
def test_arabic_and_persian_letters_are_joined(name: str, drawn: str) -> None:
    assert visual(clean(name, glyphs()), "R", glyphs()) == drawn


def test_a_text_from_right_to_left_does_not_turn_what_stands_around_it() -> None:
    for line, drawn in (
        (f"{isolate('מוסך')}  ·  +44 117 496", "ךסומ  ·  +44 117 496"),
        (f"{isolate('מע״מ')} 17% on £5.00 (no. 5)", "מ״עמ 17% on £5.00 (no. 5)"),
    ):
        assert direction(line) == "L"
        assert visual(line, "L", glyphs()) == drawn


def test_lines_are_broken_as_they_are_read_and_then_turned() -> None:
    """The first words stand on the first line."""
    words = [f"מילה{place}" for place in range(60)]
    made = paragraph(" ".join(words), styles.TEXT, glyphs())
    made.wrap(200, 1000)
    read = [word for line in made.ordered for word in reversed(line.split())]
    assert read == [visual(word, "R", glyphs()) for word in words]
    first, rest = made.split(200, 3 * styles.TEXT.leading)
    assert len(made.ordered) > 5
    assert (first.wrap(200, 1000)[1], rest.wrap(200, 1000)[1]) == (
        3 * styles.TEXT.leading,
        (len(made.ordered) - 3) * styles.TEXT.leading,
    )
    assert all(width_of(line, styles.PLAIN, 8.5, glyphs()) <= 200 for line in made.ordered)


@pytest.mark.parametrize("name", ["王小明", "田中さくら", "김민수", "王 שלום محمد Ana"])
def test_fonts_for_chinese_japanese_and_korean_are_in_the_file_where_they_are_needed(
    name: str,
) -> None:
    named = {
        "customer": INVOICE["customer"] | {"name": name},
        "shop": INVOICE["shop"] | {"name": name},
    }
    document = of(**named, jobs=[job(name, lines=[line(description=name)])])
    pdf = render(document)
    assert pdf == render(document)
    fonts = {
        str(font["/BaseFont"])[8:]: font
        for page in PdfReader(BytesIO(pdf)).pages
        for font in map(get_object, fonts_of(page))
    }
    assert set(fonts) == {"DejaVuSans", "DejaVuSans-Bold", "WenQuanYiMicroHei-0"}
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts.values())
    assert len(pdf) < 150_000
    assert shown(document).count(name.split()[0]) >= 4


def get_object(font: Any) -> Any:
    return font.get_object()


def fonts_of(page: Any) -> Any:
    return page["/Resources"]["/Font"].values()


def test_what_no_font_holds_is_printed_in_latin_letters_and_said() -> None:
    document = of(
        customer=INVOICE["customer"] | {"name": "สมชาย 車 राम 🚗"},
        jobs=[job("Brakes", lines=[line(description="ok é")])],
    )
    assert "smchay 車 ram :red_car:" in shown(document)
    name = {
        "field": "customer.name",
        "text": "สมชาย 車 राम 🚗",
        "printed": "smchay 車 ram :red_car:",
    }
    assert with_unprintable(document)["unprintable"] == [name]
    assert with_unprintable(of(jobs=[job("שלום محمد 王 Ĳ \u200e")]))["unprintable"] == []
    assert with_unprintable(of(jobs=[job("\ue000")]))["unprintable"][0] == {
        "field": "jobs.0.title",
        "text": "\ue000",
        "printed": "\ufffd",
    }


def test_a_text_of_many_pages_is_printed_whole() -> None:
    words = " ".join(f"word{place}" for place in range(700))
    text = text_of(
        of(
            ticket=INVOICE["ticket"] | {"cause": words},
            jobs=[job(concern=words, lines=[line(description=words)])],
        )
    )
    for place in range(700):
        assert len(re.findall(rf"word{place}\b", text)) == 3


def test_clean_text() -> None:
    glyphs: Any = frozenset("abé �")
    assert clean("a\tb\r\nb\n\n\n\na", glyphs) == "a b\nb\n\na"
    assert clean("e\u0301", glyphs) == "é"
    assert clean("a\u202eb\x00\u200b", glyphs) == "ab"
    assert clean("a車ส", glyphs) == "a車s"
    assert clean("a\ue000", glyphs) == "a\ufffd"
    assert clean(None, glyphs) == ""
    assert clean(2019, glyphs) == "2019"


def test_fold_keeps_everything() -> None:
    assert fold("a\nb\n\nc\nd", 3) == "a\nb\nc, d"
    assert fold("a", 3) == "a"


# --- money and dates ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "amount", "currency", "shown"),
    [
        ("US", "1234.50", "USD", "$1,234.50"),
        ("GB", "1234.50", "GBP", "£1,234.50"),
        ("GB", "1234.50", "USD", "US$1,234.50"),
        ("DE", "1234.50", "EUR", "1.234,50\u00a0€"),
        ("US", "1200", "JPY", "¥1,200"),
        ("US", "1.250", "KWD", "KWD1.250"),
        ("US", "1.250", "IQD", "IQD1.250"),  # of which Babel knows no decimals
        ("DE", "-5.00", "AFN", "-5,00\u00a0AFN"),
        ("JP", "1200", "USD", "$1,200.00"),  # no English of Japan: plain English
        ("US", "-5.00", "USD", "-$5.00"),
        ("US", "0.125", "USD", "$0.125"),  # nothing is rounded here
    ],
)
def test_money(settings: Any, region: str, amount: str, currency: str, shown: str) -> None:
    settings.SHOP_REGION = region
    assert money(amount, currency) == shown


def test_what_is_taken_off(settings: Any) -> None:
    settings.SHOP_REGION = "GB"
    assert less("1234.50", "GBP") == "-£1,234.50"
    assert less("-5.00", "GBP") == "£5.00"


def test_dates_and_numbers(settings: Any) -> None:
    settings.SHOP_REGION = "US"
    assert day("2026-09-05") == "Sep 5, 2026"
    assert moment("2026-09-05T13:05:00Z") == "Sep 5, 2026, 1:05 PM"
    settings.SHOP_REGION = "GB"
    assert day("2026-09-05") == "5 Sep 2026"
    assert moment("2026-09-05T13:05:00Z") == "5 Sep 2026, 13:05"
    assert day(None) == ""
    assert [number(text) for text in ("1.500", "2.000", "10", "0.125", "0.000")] == [
        "1.5",
        "2",
        "10",
        "0.125",
        "0",
    ]


def test_a_region_is_asked_for_each_time(settings: Any) -> None:
    settings.SHOP_REGION = "DE"
    assert "729,91 €" in text_of(of(currency="EUR"))
    assert "9 Dec 2026" in text_of(of(currency="EUR"))
