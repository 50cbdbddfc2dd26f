"""Weather through a port: Open-Meteo, files, and how services are asked."""
