"""The tracehound command and the programs behind it: simulator, replay, demo, benchmarks."""
