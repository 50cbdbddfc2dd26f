"""The request as arrays: slots, limits, meters, stages and what else the model is written over."""
