"""From the formulation to setpoints: relax, restrict, dive, round, complete, certify; by rule when there is no solver."""
