defmodule Bar do
  def pour, do: "a glass of #{Cellar.wine()}"
end
