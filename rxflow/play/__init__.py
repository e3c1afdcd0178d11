"""The main job played by the demo world over HTTP: shared by the demo and the scenario tests."""
