from pathlib import Path

import pytest

from appliance.calls.errors import ConfigurationError
from appliance.lab.account import CallAccount, DecisionAccount, MessageAccount, TransferAccount
from appliance.lab.checks import failures
from appliance.lab.results import CallResult
from appliance.lab.scenario import Expect, load_scenario, load_scenarios
from appliance.lab.transcripts import HeardText
from appliance.storage.directory_file import read_directory_file

SHIPPED = Path(__file__).parents[2] / "scenarios"
DIRECTORY = Path(__file__).parents[3] / "appliance" / "lab" / "directory.yaml"


def write(folder: Path, text: str) -> Path:
    path = folder / "s.yaml"
    path.write_text(text)
    return path


def test_every_shipped_scenario_is_valid_and_calls_the_demo_directory() -> None:
    directory = read_directory_file(DIRECTORY)
    extensions = directory.extension_numbers()
    numbers = {did.number for did in directory.dids}
    names = {entry.name for entry in (*directory.people, *directory.departments)}
    for scenario in load_scenarios([SHIPPED]):
        assert set(scenario.desks) <= extensions, scenario.file
        for call in scenario.calls:
            assert call.caller.did in numbers, scenario.file
            for transfer in call.expect.transfers or []:
                assert transfer.target in names, scenario.file


def test_one_call_is_written_without_a_list(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, "name: x\nsteps: [hang_up]\ndesks: {'201': busy}\n"))
    assert [step.kind for step in scenario.calls[0].steps] == ["hang_up"]
    assert scenario.desks["201"].rings == "busy"
    assert scenario.file == tmp_path / "s.yaml"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: x\nsteps:\n  - hang_up\n  - dance\n", "s.yaml:4: steps.1: "),
        ("name: x\nsteps:\n  - {say: a, press: '1'}\n", "s.yaml:3: steps.0: "),
        ("name: x\ncaller:\n  number: '1'\n  nmae: Bob\nsteps: [hang_up]\n", "s.yaml:4: caller.nm"),
        ("name: x\nsteps: [hang_up]\ndesks:\n  '201': asleep\n", "s.yaml:4: desks.201: "),
        ("name: x\nsteps: [hang_up]\nexpect:\n  outcome: glory\n", "s.yaml:4: expect.outcome.0: "),
        ("steps: [hang_up]\n", "name: Field required"),
        ("name: x\ncalls:\n  - steps: [hop]\n", "s.yaml:3: calls.0.steps.0: "),
        ("- a\n", "write a mapping"),
        ("a: [", "no valid YAML"),
        ("a: 2026-06-31", "no valid YAML"),
        ("[" * 5000, "no valid YAML"),
    ],
)
def test_errors_name_file_line_and_field(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_scenario(write(tmp_path, text))
    assert problem in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.yaml"):
        load_scenarios([tmp_path / "nothing.yaml"])
    with pytest.raises(ConfigurationError, match="files here"):
        load_scenarios([tmp_path])


def call(**changes: object) -> CallResult:
    account = CallAccount(
        "id",
        "connected",
        "connected to a person",
        decisions=(
            DecisionAccount("billing please", "transfer", "transfer", "Billing", ("directory",)),
        ),
        transfers=(TransferAccount("Billing", "connected"),),
        messages=(MessageAccount("Anna Jones", "Maria", "15550104", "please call me back"),),
        recording="x.wav",
    )
    result = CallResult("id", "Bob", account=account, hangup_cause="NORMAL_CLEARING")
    result.heard = [HeardText(0.0, 1.0, "one moment i am connecting you to billing")]
    for name, value in changes.items():
        setattr(result, name, value)
    return result


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"outcome": ["connected"], "target": "Billing", "recording": True}, ""),
        ({"transfers": ["connected"]}, ""),
        ({"transfers": []}, "transfers were"),
        ({"transfers": [{"target": "Sales", "result": "connected"}]}, "transfers were"),
        ({"decisions": [{"intent": "transfer", "policy": "directory"}]}, ""),
        ({"decisions": [{"intent": "hours"}]}, "no decision with"),
        ({"decisions": [{"intent": "transfer"}, {"intent": "transfer"}]}, "no decision with"),
        ({"heard": ["connecting you to belling"]}, ""),
        ({"heard": ["goodbye forever"]}, "did not hear"),
        ({"desk_heard": {"201": ["call for"]}}, "desk 201 did not hear"),
        ({"message": {"caller_name": "Maria", "text": "call me back"}}, ""),
        ({"message": {"urgent": True}}, "urgent is False"),
        ({"message": {"target": "John Smith"}}, "target is 'Anna Jones'"),
        ({"longest_silence_ms": 100}, ""),
        ({"interruption_stops_within_ms": 100}, "nothing was interrupted"),
        ({"stations": ["controllers"]}, "the dialplan led through"),
        ({"stations": ["controllers|hunt"]}, "the dialplan led through"),
        ({"hangup_cause": "USER_BUSY"}, "hung up with NORMAL_CLEARING"),
        ({"recording": False}, "recording is x.wav"),
    ],
)
def test_expectations(expect: dict[str, object], told: str) -> None:
    found = failures(Expect.model_validate(expect), call())
    assert [told in sentence for sentence in found] == ([True] if told else [])


def test_a_missing_record_is_told_only_when_it_matters() -> None:
    nothing = call(account=None)
    assert failures(Expect(), nothing) == []
    assert failures(Expect.model_validate({"outcome": "informed"}), nothing) == [
        "the appliance has no record of the call"
    ]
