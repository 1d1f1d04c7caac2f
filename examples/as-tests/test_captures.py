"""Every capture beside this file says what its golden file says, and every request in it is answered."""
from pathlib import Path
import pytest

HERE = Path(__file__).parent

@pytest.mark.parametrize("capture", sorted([*HERE.glob("*.pcap"), *HERE.glob("*.pcapng")]), ids=lambda path: path.name)
def test_capture(check, capture):
    check(capture, "--no-unanswered")
