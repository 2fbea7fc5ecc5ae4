"""What the open-source clients of Inspector send, as executions."""
