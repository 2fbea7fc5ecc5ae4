"""The contender on the JVM: a Maven project of one Java file, and what builds it."""
