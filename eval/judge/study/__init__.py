"""The study: study.yml, sides, order, and pairs with a known answer."""
