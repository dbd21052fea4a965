defmodule WhiteWeb.MixProject do
  use Mix.Project

  def project do
    [
      app: :white_web,
      version: "1.0.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      aliases: ["assets.deploy": ["cmd --cd assets node build.js"]]
    ]
  end
end
