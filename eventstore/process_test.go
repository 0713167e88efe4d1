package eventstore_test

// processEnv names the log of a process that a test starts.
const processEnv = "ROOMLOG_EVENTSTORE_TEST_PROCESS"

func otherProcess(string) int { return 0 }
