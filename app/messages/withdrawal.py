"""One try to remind somebody of the right to withdraw. Whether the purchase still stands is asked right before."""

from __future__ import annotations

from typing import Final

from app.invoices.queries import invoices_of_order
from app.invoices.states import InvoiceState
from app.kernel import templating
from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.messages.agreement import Signing, found_of, mail_of
from app.messages.delivery import hand_over
from app.messages.ports import MailDoor, NotTaken, Sms, SmsDoor
from app.orders.states import OrderState

SMS_TIMEOUT_S: Final = 10.0
# An order in another state was not bought, or has been taken back.
_STANDS: Final = frozenset({OrderState.PAID, OrderState.PARTLY_REFUNDED})


async def remind(job: Job, mail_door: MailDoor, sms_door: SmsDoor) -> Outcome:
    """Remind of the right to withdraw, by e-mail or else by SMS, unless the purchase was taken back meanwhile."""
    found = await found_of(job.merchant_id, str(job.payload["order"]))
    if found is None or not await _stands(found):
        return Done("the purchase was taken back")
    mail = mail_of(found, "withdrawal", ())
    if mail is not None:
        return await hand_over(job, mail, mail_door)
    phone = found.order.contact.phone
    if phone is None:
        return Done("there is nowhere to send it to")
    text = templating.render_text("sms/withdrawal.txt", found.agreement.lang, words=found.words)
    try:
        await sms_door.send(Sms(phone, text.strip(), found.merchant.id), SMS_TIMEOUT_S)
    except NotTaken as refused:
        # Nobody is reminded twice of one thing: what may have left is not sent again.
        if refused.certain:
            return again_or_give_up(job, refused.reason)
        return GiveUp(f"nobody knows whether it left: {refused.reason}")
    return Done("handed to the SMS gateway")


async def _stands(found: Signing) -> bool:
    if found.order.state not in _STANDS:
        return False
    documents = await invoices_of_order(found.merchant.id, found.order.public_id)
    return all(each.state is not InvoiceState.CREDITED for each in documents)
