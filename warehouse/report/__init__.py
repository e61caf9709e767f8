"""The report: one HTML file with the warehouse's pictures, the tables behind them, each patient."""
