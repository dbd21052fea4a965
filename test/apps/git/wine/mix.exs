defmodule Wine.MixProject do
  use Mix.Project

  def project do
    [app: :wine, version: "1.0.0", deps: [{:grapes, git: "REPOSITORIES/grapes"}]]
  end
end
