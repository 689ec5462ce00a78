import pytest

from appliance.lab.contract import ContractCase, SwitchUnderTest
from appliance.lab.contract_cases import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_bench_keeps_the_contract(case: ContractCase, under_test: SwitchUnderTest) -> None:
    differences = case.differences(under_test)
    assert not differences, "\n".join(differences)
