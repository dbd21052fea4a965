defmodule Shared.MixProject do
  use Mix.Project

  def project do
    [app: :shared, version: "1.0.0", deps: [{:grapes, path: "../grapes"}]]
  end
end
