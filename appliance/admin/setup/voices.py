"""The voices that personas may have: those that the model server offers."""

import aiohttp
import structlog

from appliance.admin.setup.values import VOICE

log = structlog.get_logger(__name__)

_PATH = "/v1/audio/voices"
_MOST = 500


async def voices(url: str) -> tuple[str, ...]:
    """Ask the model server at ``url``; empty while it does not answer, or when it tells none."""
    if not url:
        return ()
    try:
        limit = aiohttp.ClientTimeout(total=1.0)
        async with (
            aiohttp.ClientSession(timeout=limit) as client,
            client.get(f"{url.rstrip('/')}{_PATH}") as answer,
        ):
            body = await answer.json()
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        log.info("voices_unknown", url=url, error=str(error))
        return ()
    told = body.get("voices") if isinstance(body, dict) else None
    names = [name for name in told if isinstance(name, str)] if isinstance(told, list) else []
    return tuple(name for name in names if name and VOICE.fullmatch(name))[:_MOST]
