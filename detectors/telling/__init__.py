"""Words and verdicts: alarms, sentences, severities, feedback. No models."""
