import Config

config :cellar, wine: "merlot"
