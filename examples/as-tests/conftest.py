"""Captures as tests: `check(capture)` holds one against its golden file, which `pytest --update-golden` writes."""
import subprocess
import pytest

def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write golden files in place of comparing")

@pytest.fixture
def check(request):
    def check(capture, *options):
        update = ["--update"] if request.config.getoption("--update-golden") else []
        done = subprocess.run(["authscope", "check", *update, *options, capture], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return check
