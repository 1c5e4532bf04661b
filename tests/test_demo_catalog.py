"""What the demo garage is filled with is consistent, and the same every time."""

import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from tickets.demo.catalog import (
    COUNTED_UNITS,
    MEASURED_UNITS,
    MECHANICS,
    PARTS,
    VEHICLES,
    WORK,
    CarModel,
    Dice,
    RepairJob,
    jobs_for,
    make_email,
    make_odometer,
    make_people,
    make_phone,
    make_plate,
    make_vin,
    vin_check_digit,
    vin_is_valid,
)

STOCK = {part.sku: part for part in PARTS}
CENTS = re.compile(r"\d+\.\d\d")


def repeated(values: list[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


# Parts


def test_there_are_150_parts_each_with_its_own_sku_name_and_bin():
    assert len(PARTS) == 150
    assert repeated([part.sku.upper() for part in PARTS]) == []
    assert repeated([part.name for part in PARTS]) == []
    assert repeated([part.bin for part in PARTS]) == []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.sku)
def test_a_part_is_priced_above_its_cost_and_stocked_above_its_reorder_point(part):
    assert re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)+", part.sku)
    assert re.fullmatch(r"[A-G]-\d\d-\d", part.bin)
    assert part.unit in COUNTED_UNITS | MEASURED_UNITS
    assert CENTS.fullmatch(part.price)
    assert CENTS.fullmatch(part.cost)
    assert 0 < Decimal(part.cost) < Decimal(part.price)
    assert 0 < part.reorder_point < part.typical_stock
    assert part.reorder_quantity > 0


def test_every_unit_is_used():
    assert {part.unit for part in PARTS} == COUNTED_UNITS | MEASURED_UNITS


# Work


@pytest.mark.parametrize("job", WORK, ids=lambda job: job.concern)
def test_a_jobs_parts_are_stocked_in_quantities_of_their_unit(job: RepairJob):
    assert job.concern
    assert job.cause
    assert job.correction
    assert repeated([sku for sku, _ in job.parts]) == []
    for sku, text in job.parts:
        part, quantity = STOCK[sku], Decimal(text)
        assert 0 < quantity <= part.typical_stock
        assert quantity == round(quantity, 3)
        assert part.unit in MEASURED_UNITS or quantity == quantity.to_integral_value()


def test_jobs_are_all_different_and_some_need_no_parts():
    assert repeated([job.concern for job in WORK]) == []
    assert len(WORK) >= 40
    assert any(not job.parts for job in WORK)


@pytest.mark.parametrize("job", WORK, ids=lambda job: job.concern)
def test_every_job_fits_some_car_at_a_possible_mileage(job: RepairJob):
    low, high = job.odometer
    assert 0 < low < high < 1_000_000
    assert any(job in jobs_for(car) for car in VEHICLES)


@pytest.mark.parametrize(
    "car", VEHICLES, ids=lambda car: f"{car.make} {car.model} {car.first_year}"
)
def test_every_car_has_work_at_any_mileage(car: CarModel):
    assert all(jobs_for(car, miles) for miles in (0, 300, 6_000, 60_000, 150_000, 400_000))


def test_an_electric_car_gets_no_oil_change():
    electric = next(car for car in VEHICLES if "electric" in car.tags)
    assert not any(
        sku.startswith(("OIL-", "FLT-OIL-")) for job in jobs_for(electric) for sku, _ in job.parts
    )


def test_every_car_with_an_engine_can_have_its_oil_changed():
    filters = [part.sku for part in PARTS if part.sku.startswith("FLT-OIL-")]
    for car in VEHICLES:
        offered = {sku for job in jobs_for(car) for sku, _ in job.parts}
        assert ("engine" in car.tags) == bool(offered.intersection(filters)), car.model


# VINs


@pytest.mark.parametrize("vin", ["1M8GDM9AXKP042788", "1HGCM82633A004352", "11111111111111111"])
def test_a_known_vin_is_valid(vin):
    assert vin_is_valid(vin)
    assert vin_check_digit(vin) == vin[8]


@pytest.mark.parametrize(
    "vin",
    [
        "",
        "1HGCM82633A123456",
        "1HGCM82633A00435",
        "1HGCM82633A0043522",
        "1HGCM82633AOO4352",
        "1hgcm82633a004352",
        "adsklfjhao56448",
    ],
)
def test_a_broken_vin_is_not_valid(vin):
    assert not vin_is_valid(vin)


def test_a_real_vin_is_made_from_its_pieces():
    assert make_vin("1HGCM826", 2003, 4352) == "1HGCM82633A004352"


@pytest.mark.parametrize(
    "car", VEHICLES, ids=lambda car: f"{car.make} {car.model} {car.first_year}"
)
def test_the_vins_of_a_car_are_valid_in_every_year_it_was_built(car: CarModel):
    assert car.first_year <= car.last_year
    for year in range(car.first_year, car.last_year + 1):
        for serial in (0, 1, 4352, 999_999):
            vin = make_vin(car.vin_prefix, year, serial)
            assert vin_is_valid(vin)
            assert not set("IOQ") & set(vin)
            # 49 CFR 565.15: a digit in position 7 means 1980 to 2009, a letter 2010 to
            # 2039.
            assert vin[6].isdigit() == (year < 2010)


@pytest.mark.parametrize(
    ("year", "letter"),
    [
        (1980, "A"),
        (2000, "Y"),
        (2001, "1"),
        (2009, "9"),
        (2010, "A"),
        (2018, "J"),
        (2024, "R"),
        (2039, "9"),
    ],
)
def test_position_10_is_the_model_year(year, letter):
    assert make_vin("1HGCM826", year, 1)[9] == letter


@pytest.mark.parametrize(
    ("prefix", "year", "serial"),
    [
        ("1HGCM82", 2003, 1),
        ("1HGCO826", 2003, 1),
        ("1HGCM826", 1979, 1),
        ("1HGCM826", 2040, 1),
        ("1HGCM826", 2003, 10**6),
    ],
)
def test_an_impossible_vin_is_refused(prefix, year, serial):
    with pytest.raises(ValueError, match=r"VIN"):
        make_vin(prefix, year, serial)


def test_the_cars_have_different_prefixes():
    assert len(VEHICLES) >= 40
    assert repeated([car.vin_prefix for car in VEHICLES]) == []


# People


def test_the_eight_mechanics_are_complete_and_distinct():
    assert len(MECHANICS) == 8
    assert repeated([mechanic.email for mechanic in MECHANICS]) == []
    for mechanic in MECHANICS:
        assert mechanic.specialties
        assert mechanic.bio.endswith(".")
        assert CENTS.fullmatch(mechanic.hourly_cost)
        assert date.fromisoformat(mechanic.hired_on)
        assert mechanic.email == make_email(mechanic.name)
        assert re.search(r"55501\d\d$", re.sub(r"\D", "", mechanic.phone))


def test_people_differ_in_name_email_and_phone_and_nobody_real_is_among_them():
    people = make_people(Dice(1), 240)
    assert len(people) == 240
    assert repeated([person.name for person in people]) == []
    assert repeated([person.email for person in people]) == []
    digits = [re.sub(r"\D", "", person.phone)[-10:] for person in people]
    assert repeated(digits) == []
    assert all(re.fullmatch(r"(303|720|983)55501\d\d", number) for number in digits)
    assert all(re.fullmatch(r"[a-z0-9.]+@example\.com", person.email) for person in people)
    staff = {re.sub(r"\D", "", mechanic.phone)[-10:] for mechanic in MECHANICS}
    assert staff.isdisjoint(digits)


def test_an_email_is_plain_ascii():
    assert make_email("Łukasz O'Connor") == "lukasz.oconnor@example.com"
    assert make_email("Bjørn Peña") == "bjorn.pena@example.com"


@pytest.mark.parametrize("serial", [-1, 300])
def test_there_is_no_phone_number_beyond_the_fictional_ones(serial):
    with pytest.raises(ValueError, match=r"phone number"):
        make_phone(serial)


# Dice


def everything(seed: int) -> str:
    dice = Dice(seed)
    drawn = [
        make_people(dice, 60),
        [make_plate(dice) for _ in range(5)],
        make_odometer(dice, 7),
        dice.pick(WORK).concern,
        str(dice.decimal("1.00", "9.00", "0.25")),
        dice.weighted([("a", 1), ("b", 3)]),
        dice.shuffled(range(9)),
        dice.chance(0.5),
    ]
    return json.dumps(drawn)


def test_the_same_seed_gives_the_same_garage():
    assert everything(7) == everything(7)
    assert everything(7) != everything(8)


def test_the_dice_fall_the_same_on_every_python():
    dice = Dice(20240501)
    assert [dice.between(1, 6) for _ in range(10)] == [6, 2, 3, 1, 4, 5, 6, 4, 2, 2]


def test_throws_stay_within_their_bounds():
    dice = Dice(3)
    assert {dice.between(1, 3) for _ in range(200)} == {1, 2, 3}
    assert {dice.decimal("0.5", "2.1", "0.5") for _ in range(200)} == {
        Decimal(text) for text in ("0.5", "1.0", "1.5", "2.0")
    }
    assert {dice.weighted([("never", 0), ("often", 9), ("rarely", 1)]) for _ in range(200)} == {
        "often",
        "rarely",
    }
    assert sorted(dice.shuffled(range(20))) == list(range(20))
    assert not any(dice.chance(0) for _ in range(50))
    assert all(dice.chance(1) for _ in range(50))
    with pytest.raises(ValueError, match=r"between"):
        dice.between(2, 1)
