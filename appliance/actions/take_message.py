"""Keep a message for somebody: it is an event like all else, so it is safe once it is recorded."""

from appliance.actions.call import Call
from appliance.calls.events import MessageTaken
from appliance.dialogue.steps import SaveMessage


def take_message(call: Call, message: SaveMessage) -> None:
    """Record the message that the intake form collected and the caller confirmed."""
    call.log.record(
        MessageTaken, target_id=message.target_id, target_name=message.target_name,
        caller_name=message.caller_name, callback_number=message.callback_number,
        text=message.text, urgent=message.urgent,
    )  # fmt: skip
