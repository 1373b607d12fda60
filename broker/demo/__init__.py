"""The demo: a synthetic Larvik and the story of Emil, 19, told in the terminal."""
