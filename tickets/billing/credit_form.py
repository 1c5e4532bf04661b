"""What the button that credits an invoice asks."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanSwitchWidget

from inventory.quantities import show
from mechanic_shop.admin.buttons import ButtonForm, note_question, quantity_question

from ..lifecycle.admin_format import price
from .action_serializers import CreditSerializer
from .credited_lines import left_of

ALL, SOME = "all", "lines"


class CreditForm(ButtonForm):
    serializer_class = CreditSerializer
    reason = note_question(required=True, help_text="stands on the credit note")
    what = forms.ChoiceField(
        choices=[(ALL, "All that is left"), (SOME, "Only the quantities below")],
        initial=ALL,
        label="Credit",
        widget=UnfoldAdminRadioSelectWidget,
    )
    restock = forms.BooleanField(
        required=False,
        label="Parts go back on the shelf",
        widget=UnfoldBooleanSwitchWidget,
        help_text="when the customer gives them back",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines: dict[str, int] = {}
        self.sent: list[str] = []
        for line, before in left_of(self.obj).values():
            self.lines[f"line_{line.position}"] = line.position
            left = line.quantity - before
            note = (
                (
                    f"{show(left)} of {show(line.quantity)} left, at "
                    f"{price(line.unit_price, self.obj.currency)}"
                )
                if left
                else "credited already"
            )
            self.fields[f"line_{line.position}"] = quantity_question(
                required=False, label=f"{line.position}. {line.description}", help_text=note
            )

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        quantities = {name: sent.pop(name) for name in self.lines if name in sent}
        what = sent.pop("what", ALL)
        if what == SOME and not quantities:
            raise forms.ValidationError("Say how many of which line are credited.")
        if what == ALL and quantities:
            raise forms.ValidationError(
                "All that is left, or only these quantities? Choose one, or empty the boxes."
            )
        self.sent = list(quantities)
        super().run_serializer(
            sent
            | {
                "lines": [
                    {"line": self.lines[name], "quantity": quantity}
                    for name, quantity in quantities.items()
                ]
            }
        )

    def add_serializer_errors(self, errors: Any) -> None:
        """What is wrong with a line stands at its box."""
        lines = errors.get("lines", {})
        at_boxes = {
            self.sent[place]: details for place, details in lines.items() if isinstance(place, int)
        }
        super().add_serializer_errors(
            {name: details for name, details in errors.items() if name != "lines" or not at_boxes}
            | at_boxes
        )

    def refuse(self, refusal: Any) -> None:
        """The operation names a line by its place in the list that it was sent:
        lines.0.quantity.
        """
        words = getattr(refusal, "field", "").split(".")
        if words[0] == "lines":
            refusal.field = self.sent[int(words[1])]
        super().refuse(refusal)
