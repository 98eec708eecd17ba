"""A synthetic city, grown from a seed: departments, firms, five years of facts, titles, money.

Pure: nothing is read or written. Every firm's name carries 示范 or 样例 and every record that may
carries `synthetic`; no real firm is described. `City.cast` names the firms that stories and tests
look for by their role.
"""

from services.launch.city.generate import generate_city
from services.launch.city.model import City
from services.launch.city.tables import csv_table

__all__ = ["City", "csv_table", "generate_city"]
