"""What only the fuzzer can import is not looked at for tests."""

collect_ignore = ["instrumented.py"]
