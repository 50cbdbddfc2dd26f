"""What all learned forecasts share: quantile trees, bands that hold, contests, stored models."""
