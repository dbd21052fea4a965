defmodule Label.MixProject do
  use Mix.Project

  def project do
    [app: :label, version: "1.0.0", aliases: ["assets.deploy": "cmd --cd assets npm run deploy"]]
  end
end
