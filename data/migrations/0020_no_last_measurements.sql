-- Written with every measurement and read by nobody: the newest is the last of feeder_measurements.

DROP TABLE last_measurements;
