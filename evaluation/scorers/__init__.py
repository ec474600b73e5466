"""One scorer a kind of answer: plain functions `(answer text, item) -> Score`."""
