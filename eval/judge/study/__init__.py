"""What is asked of whom: study.yml, the sides, the order, and pairs with a known answer."""
