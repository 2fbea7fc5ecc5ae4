"""Operations of applications: how many executions, what came out, and where their numbers lie."""
