"""What the buttons that move stock ask."""

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from mechanic_shop.admin.buttons import ButtonForm, note_question, quantity_question

from .models import Part
from .quantities import Reason, show
from .serializers import AdjustSerializer, CountSerializer, ReceiveSerializer


class ReceiveForm(ButtonForm):
    serializer_class = ReceiveSerializer
    quantity = quantity_question()
    unit_cost = forms.DecimalField(
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="what a unit cost; becomes the part's cost",
    )
    note = note_question(help_text="delivery note or supplier, for example")

    def notes(self) -> list[str]:
        return [on_the_shelf(self.obj)]


class AdjustForm(ButtonForm):
    serializer_class = AdjustSerializer
    quantity = quantity_question(help_text="signed: -2 takes two off the shelf")
    reason = forms.ChoiceField(
        choices=[(reason.value, reason.label) for reason in (Reason.ADJUSTMENT, Reason.SCRAP)],
        widget=UnfoldAdminSelectWidget,
    )
    note = note_question(required=True, help_text="why")

    def notes(self) -> list[str]:
        return [on_the_shelf(self.obj)]


class CountForm(ButtonForm):
    serializer_class = CountSerializer
    counted = quantity_question(
        help_text="what lies on the shelf, also what is promised to tickets"
    )
    note = note_question()

    def notes(self) -> list[str]:
        return [on_the_shelf(self.obj)]


def on_the_shelf(part: Part) -> str:
    return (
        f"{show(part.on_hand)} on hand, of which {show(part.allocated)} are promised to "
        f"tickets (counted by the {part.unit})."
    )
