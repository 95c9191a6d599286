"""Why a job ran, did not run or will run at a moment, from what the board has recorded."""
