"""All cases of the contract with FreeSWITCH."""

from appliance.lab import contract_control, contract_media, contract_sessions

CASES = (*contract_sessions.CASES, *contract_media.CASES, *contract_control.CASES)
